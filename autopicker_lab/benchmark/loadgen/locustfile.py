"""What Locust runs in the comparison: its quicker kind of user, which asks again as soon as it was answered."""

from locust import FastHttpUser, task


class User(FastHttpUser):
    """Asks for the list of models."""

    @task
    def models(self) -> None:
        self.client.get("/models")
