"""When the tide is high enough to leave."""

from datetime import datetime, timedelta

PERIOD = timedelta(hours=12, minutes=25)


class Tide:
    def __init__(self, first_high: datetime):
        self.first_high = first_high

    def next_high(self, now: datetime) -> datetime:
        periods = -(-(now - self.first_high) // PERIOD)
        return self.first_high + periods * PERIOD


def can_leave(depth_m: float, draught_m: float = 2.1) -> bool:
    return depth_m > draught_m + 0.5
