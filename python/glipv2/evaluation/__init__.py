"""How good a model is: box AP on categories, recall of phrases."""
