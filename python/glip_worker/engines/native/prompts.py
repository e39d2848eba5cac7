"""`model.prompts`: tuned prompts beside the loaded model, which serves all of them."""

from __future__ import annotations

from pathlib import Path

from glip_worker.call import Call
from glip_worker.engines.common.failures import as_glip_errors
from glip_worker.engines.native.model import Model
from glip_worker.protocol.messages import ModelPromptsParams, ModelPromptsResult
from glipv2.text.tuned import TunedPrompt


def load_prompts(call: Call, model: Model, params: ModelPromptsParams) -> ModelPromptsResult:
    """In place of those before, if all can be loaded. GlipError: `weights_missing`, `weights_mismatch`, `file_error`,
    `invalid_argument`."""
    loaded: dict[str, TunedPrompt] = {}
    for name, path in params.prompts.items():
        call.check()
        with as_glip_errors():
            tuned = TunedPrompt.load(Path(path), model.config)
        loaded[name] = tuned.to(model.device).eval().requires_grad_(False)
    model.prompts.clear()
    model.prompts.update(loaded)
    return ModelPromptsResult(prompts={name: list(one.names) for name, one in loaded.items()})
