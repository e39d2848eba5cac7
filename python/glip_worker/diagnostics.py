"""Methods that every worker has: they exercise the bridge and nothing else (src/protocol/diagnostics.ts)."""

from __future__ import annotations

import math

import torch

from glip_worker.call import Call
from glip_worker.errors import message_too_large
from glip_worker.protocol.messages import (
    DiagnosticsCountEvent,
    DiagnosticsCountParams,
    DiagnosticsCountResult,
    DiagnosticsDescribeParams,
    DiagnosticsDescribeResult,
    DiagnosticsEchoParams,
    DiagnosticsEchoResult,
    DiagnosticsGenerateParams,
    DiagnosticsGenerateResult,
)
from glip_worker.registry import method
from glip_worker.tensors import Tensor, tensor_bytes

#: How far each dtype counts without a gap, as its modulus: integers wrap around, floats stop being exact.
MODULUS = {
    "bool": 2,
    "uint8": 2**8,
    "int8": 2**8,
    "int16": 2**16,
    "int32": 2**32,
    "int64": 2**64,
    "bfloat16": 2**8,
    "float16": 2**11,
    "float32": 2**24,
    "float64": 2**53,
}


@method("diagnostics.echo")
def echo(call: Call, params: DiagnosticsEchoParams) -> DiagnosticsEchoResult:
    return DiagnosticsEchoResult(value=params.value)


@method("diagnostics.describe")
def describe(call: Call, params: DiagnosticsDescribeParams) -> DiagnosticsDescribeResult:
    tensor = params.tensor
    total = tensor.torch().sum(dtype=torch.float64).item()
    # An element that is not finite leaves no finite sum.
    known = tensor.bytes > 0 and math.isfinite(total)
    return DiagnosticsDescribeResult(
        dtype=tensor.dtype,  # type: ignore[arg-type]  # str here, the same names as a Literal there
        shape=list(tensor.shape),
        bytes=tensor.bytes,
        sum=total if known else None,
    )


@method("diagnostics.generate")
def generate(call: Call, params: DiagnosticsGenerateParams) -> DiagnosticsGenerateResult:
    size = tensor_bytes(params.dtype, params.shape)
    if size > call.max_frame_bytes:
        raise message_too_large(size, call.max_frame_bytes)
    count = math.prod(params.shape)
    period = MODULUS[params.dtype]
    dtype: torch.dtype = getattr(torch, params.dtype)
    # Integers wrap in the conversion.
    values = torch.arange(min(count, period), dtype=dtype if period > count else torch.int64).to(dtype)
    if count > period:
        values = values.repeat(-(-count // period))[:count]
    return DiagnosticsGenerateResult(tensor=Tensor.of(values.reshape(params.shape)))


@method("diagnostics.count")
def count(call: Call, params: DiagnosticsCountParams) -> DiagnosticsCountResult:
    for step in range(1, params.steps + 1):
        call.emit(DiagnosticsCountEvent(step=step))
        call.sleep(params.pause_ms / 1000)
    return DiagnosticsCountResult(steps=params.steps)
