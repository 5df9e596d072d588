"""Request and response models, at the edge only: nothing behind the routes knows them."""
