"""Other makers' APIs over the same chats: each request becomes OpenAI's, each answer is made of OpenAI's objects."""
