"""Writes the data set of this example, orders of three regions, into ``data`` beside it; the same at each run."""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path

REGIONS = {"north": 1.0, "south": 1.4, "west": 0.6}
PRICES = {"anvil": 129.0, "bolt": 0.4, "crane": 980.0, "drill": 74.5, "easel": 38.9, "funnel": 6.2}
ORDERS = 4000


def files() -> dict[str, str]:
    """Return the files by name."""
    return {f"{region}.csv": table(region, weight) for region, weight in REGIONS.items()}


def table(region: str, weight: float) -> str:
    """Make one region's orders, with a few that were cancelled and a few that are damaged."""
    random_ = random.Random(region)
    lines = ["date,product,quantity,price,status"]
    for _ in range(int(ORDERS * weight)):
        day = date(2025, 1, 1) + timedelta(days=random_.randrange(90))
        product, price = random_.choice(list(PRICES.items()))
        status = random_.choices(["paid", "cancelled"], [19, 1])[0]
        quantity = "?" if random_.random() < 0.01 else str(random_.randint(1, 12))
        lines.append(f"{day},{product},{quantity},{price:.2f},{status}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    target = Path(__file__).parent / "data"
    target.mkdir(exist_ok=True)
    for name, text in files().items():
        (target / name).write_text(text)
