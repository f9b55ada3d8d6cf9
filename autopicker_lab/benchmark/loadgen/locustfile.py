"""What Locust runs in the comparison: its quicker kind of user, which asks again as soon as it was answered."""

from locust import FastHttpUser, task


class User(FastHttpUser):  # type: ignore[misc]  # Locust carries no types
    """Asks for the list of models."""

    @task  # type: ignore[untyped-decorator]
    def models(self) -> None:
        self.client.get("/models")
