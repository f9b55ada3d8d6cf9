"""A request's way in: its context, who sent it, its limits, errors, and clients that leave."""
