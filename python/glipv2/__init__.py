"""GLIPv2: grounding, detection, segmentation, question answering and captioning in one model.

Usable from Python alone; the worker of glip-sdk serves it as the engine `native`.
"""

__version__ = "0.1.0"
