"""Deep fusion: pictures and text read each other before boxes are found."""
