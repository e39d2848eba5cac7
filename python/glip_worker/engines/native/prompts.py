"""`model.prompts`: tuned prompts beside the loaded model, which serves all of them."""

from __future__ import annotations

from pathlib import Path

from glip_worker.call import Call
from glip_worker.engines.common.failures import as_glip_errors
from glip_worker.engines.native.model import Model
from glip_worker.errors import invalid_argument
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


def tuned_prompt(model: Model, name: str) -> TunedPrompt:
    """By the name that it was loaded under. GlipError `invalid_argument`."""
    tuned = model.prompts.get(name)
    if tuned is None:
        there = ", ".join(model.prompts) or "none are loaded"
        raise invalid_argument("prompt", f"a prompt that model.prompts loaded ({there})", repr(name))
    return tuned
