"""What the service talks about, as frozen data: definitions, states, records. No behaviour that acts."""
