"""Every patch, in the order in which it is applied; the functions are in the modules beside this one, by topic."""

from __future__ import annotations

from glip_worker.engines.official.compat.patches import (
    boxes,
    cuda_calls,
    distributed,
    nltk_quiet,
    numpy_aliases,
    operators,
    pickles,
    torch_api,
    transformers_api,
    transformers_bert,
)
from glip_worker.engines.official.compat.patching import Patch

PATCHES: tuple[Patch, ...] = (
    Patch(
        "extension",
        "the CUDA sources include THC headers, which left PyTorch in 1.11: the extension cannot be compiled",
        "csrc/vision.cpp, imported as maskrcnn_benchmark._C by layers/*.py",
        operators.extension,
    ),
    Patch(
        "torch_six",
        "torch._six was removed",
        "utils/imports.py, utils/c2_model_loading.py, data/datasets/evaluation/lvis/lvis_eval.py: torch._six",
        torch_api.torch_six,
    ),
    Patch(
        "hub_download",
        "torch.hub._download_url_to_file became public and lost its underscore",
        "utils/model_zoo.py: cache_url",
        torch_api.hub_download,
    ),
    Patch(
        "safe_load",
        "torch.load refuses the NumPy numbers that the official trainer saves (eval_result), and says so obscurely",
        "utils/checkpoint.py: Checkpointer._load_file",
        pickles.safe_load,
    ),
    Patch(
        "plateau_verbose",
        "ReduceLROnPlateau has no argument verbose any more",
        "solver/lr_scheduler.py: WarmupReduceLROnPlateau.__init__",
        torch_api.plateau_verbose,
    ),
    Patch(
        "numpy_aliases",
        "numpy.float and its like were removed, row_stack is on its way out (its absence would be swallowed)",
        "modeling/rpn/anchor_generator.py, data/datasets/evaluation/: np.float, np.int; box_aug.py: np.row_stack",
        numpy_aliases.numpy_aliases,
    ),
    Patch(
        "chunking",
        "apply_chunking_to_forward moved to transformers.pytorch_utils",
        "modeling/rpn/vldyhead.py: BertEncoderLayer.forward",
        transformers_api.chunking,
    ),
    Patch(
        "head_pruning",
        "find_pruneable_heads_and_indices was removed, prune_linear_layer moved",
        "modeling/rpn/modeling_bert.py: BertAttention.prune_heads",
        transformers_api.head_pruning,
    ),
    Patch(
        "attention_mask",
        "BertPreTrainedModel.get_extended_attention_mask changed its arguments and its masked value",
        "modeling/rpn/vldyhead.py: BertEncoderLayer.forward",
        transformers_api.attention_mask,
    ),
    Patch(
        "batch_encode",
        "tokenizers lost batch_encode_plus and encode_plus",
        "modeling/detector/generalized_vl_rcnn.py: GeneralizedVLRCNN.forward; modeling/rpn/loss.py",
        transformers_api.batch_encode,
    ),
    Patch(
        "bert",
        'from_pretrained("bert-base-uncased") is hard-coded and needs a network; a GLIP checkpoint brings the weights',
        "modeling/language_backbone/bert_model.py, modeling/rpn/vldyhead.py, data/build.py, engine/*.py",
        transformers_bert.bert,
    ),
    Patch(
        "nltk_quiet",
        "nltk.download runs when the predictor is imported; the tagger's data may be absent",
        "engine/predictor_glip.py: nltk.download, find_noun_phrases",
        nltk_quiet.nltk_quiet,
    ),
    Patch(
        "cuda_calls",
        "set_device, nccl, DistributedDataParallel(device_ids) and .cuda() are called whatever MODEL.DEVICE says",
        "tools/*.py: main; data/datasets/evaluation/box_aug.py: bbox_vote",
        cuda_calls.cuda_calls,
    ),
    Patch(
        "warnings",
        "deprecations that nobody can act on bury the log",
        "layers, modeling and utils: meshgrid, timm.models.layers, torch.cuda.amp, upsample_bilinear, use_reentrant",
        torch_api.warnings_quiet,
    ),
    Patch(
        "default_device",
        'MODEL.DEVICE is "cuda" unless told otherwise',
        "config/defaults.py: _C.MODEL.DEVICE",
        cuda_calls.default_device,
        after_import=True,
    ),
    Patch(
        "collectives",
        'pickled objects are gathered and broadcast as tensors on "cuda", and read back with torch.load',
        "utils/comm.py: all_gather, broadcast_data; utils/mdetr_dist.py, utils/dist.py: all_gather",
        distributed.collectives,
        after_import=True,
    ),
    Patch(
        "caffe2_pickles",
        "a .pkl backbone is unpickled without any limit",
        "utils/c2_model_loading.py: _load_c2_pickled_weights",
        pickles.caffe2_pickles,
        after_import=True,
    ),
    Patch(
        "deform_functions",
        "the autograd functions refuse the CPU",
        "layers/deform_conv.py: deform_conv, modulated_deform_conv",
        operators.deform_functions,
        after_import=True,
    ),
    Patch(
        "box_nms",
        "the CPU branch prints on each call and returns indices that count within one label: wrong boxes",
        "structures/boxlist_ops.py: boxlist_ml_nms",
        boxes.box_nms,
        after_import=True,
    ),
)
