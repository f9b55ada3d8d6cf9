"""The user that Locust runs in the comparison: its quicker kind, which sends again as soon as it was answered."""

from locust import FastHttpUser, task


class User(FastHttpUser):
    """A user that asks for the list of models."""

    @task
    def models(self) -> None:
        """Ask once."""
        self.client.get("/models")
