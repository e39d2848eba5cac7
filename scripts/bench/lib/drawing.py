"""How random weights are drawn."""

SEED = 0

#: Random weights give every region the same score; the projection of the text this much larger gives it one of its own.
TEXT_SCALE = 30.0
