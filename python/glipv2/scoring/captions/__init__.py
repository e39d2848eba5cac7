"""Captions by the measures of COCO's caption evaluation (Chen et al., 2015): `captions.scores` takes them all."""
