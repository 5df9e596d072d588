"""Request and response models as pydantic classes, at the edge only: nothing behind the routes knows them.

Loaded on use. The response models are what the API document promises; answers are plain dicts made in
`routes/presenting`, and the tests hold every one of them against its model.
"""
