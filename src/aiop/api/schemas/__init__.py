"""Bodies of requests and answers, as OpenAPI shows them.

Answers are rendered from records directly and not through these models; the fuzz test holds the two together.
"""
