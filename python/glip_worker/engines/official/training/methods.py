"""The methods `training.*`: official scripts as managed child processes.

The worker's one compute loop is occupied while a run lasts: other calls to this worker wait in its queue. Pings,
cancels and the stream's credit are answered all the same. For inference beside a run, launch a second worker.
"""

from __future__ import annotations

from pathlib import Path

from glip_worker.call import Call
from glip_worker.device import Device
from glip_worker.engines.official.training import results
from glip_worker.engines.official.training.runner import Options, run
from glip_worker.protocol.messages import (
    Trained,
    TrainingEvaluateParams,
    TrainingEvaluateResult,
    TrainingFinetuneParams,
    TrainingPretrainParams,
)
from glip_worker.registry import Registry


class TrainingMethods:
    """Stands on a checkout and the worker's device; loads nothing of either into the worker."""

    def __init__(self, checkout: Path, device: Device) -> None:
        self._checkout = checkout
        self._device = device

    def pretrain(self, call: Call, params: TrainingPretrainParams) -> Trained:
        """tools/train_net.py.

        A resumed run goes on at the checkpoint's step with its optimizer and schedule. The official code then draws
        the pictures from the beginning of their order again, and starts its averaged weights (ema) from the
        checkpoint's plain ones.
        """
        from glip_worker.engines.official.training.recipe import prepare_pretrain

        recipe = prepare_pretrain(params, self._checkout, self._device)
        return results.trained(run(call, recipe, self._options(params, params.resume)))

    def finetune(self, call: Call, params: TrainingFinetuneParams) -> Trained:
        """tools/finetune.py; resuming as in `pretrain`, and the patience is counted anew."""
        from glip_worker.engines.official.training.recipe import prepare_finetune

        recipe = prepare_finetune(params, self._checkout, self._device)
        return results.trained(run(call, recipe, self._options(params, params.resume)))

    def evaluate(self, call: Call, params: TrainingEvaluateParams) -> TrainingEvaluateResult:
        """tools/test_grounding_net.py."""
        from glip_worker.engines.official.training.recipe import prepare_evaluate

        recipe = prepare_evaluate(params, self._checkout, self._device)
        return results.evaluated(run(call, recipe, self._options(params, False)))

    def _options(
        self, params: TrainingPretrainParams | TrainingFinetuneParams | TrainingEvaluateParams, resume: bool
    ) -> Options:
        return Options(self._checkout, self._device, params.text_encoder, params.accelerate, resume)


def register(registry: Registry, checkout: Path, device: Device) -> None:
    """Adds them."""
    methods = TrainingMethods(checkout, device)
    registry.add("training.pretrain", methods.pretrain)
    registry.add("training.finetune", methods.finetune)
    registry.add("training.evaluate", methods.evaluate)
