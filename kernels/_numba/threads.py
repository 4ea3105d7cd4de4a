"""A function called by all of Numba's threads, from compiled code.

`prange` would do the same. But Numba wraps its loop three times, and for each wrapper LLVM optimises again all that
the loop calls. Of the 7.6 s that the fused gradient took to compile on an AMD EPYC (Zen 4), 4 were lost there.
"""

from __future__ import annotations

from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

numba.get_num_threads()  # loads the library of Numba's threads; otherwise code from the cache could not call it

_BYTES, _INDEX, _STATUS = ir.IntType(8).as_pointer(), ir.IntType(64), ir.IntType(32)
_ONE = _INDEX(1)
_TASK = ir.FunctionType(ir.VoidType(), [_BYTES.as_pointer(), _INDEX.as_pointer(), _INDEX.as_pointer(), _BYTES])
"""The type of a generalised ufunc's inner loop, which Numba's threads call: args, dimensions, steps, data."""


@intrinsic
def in_parallel(typing: Any, count: Any, function: Any, arguments: Any) -> Any:
    """Call function(*arguments, k) for k = 0, 1, ... count − 1, on Numba's threads. Returns whether none has raised.

    function: for compiled code; what it returns is discarded. It must not print or call Python: unlike `prange`, the
    caller keeps Python's lock.
    """
    call_type = function.get_call_type(typing, (*arguments.types, types.intp), {})

    def code(context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        packed, base, dimensions, steps, raised = (
            cgutils.alloca_once_value(builder, value)
            for value in (values[2], _ONE.inttoptr(_BYTES), values[0], _ONE, _STATUS(0))
        )
        call_one = _call_one(context, builder.module, context.get_function(function, call_type), packed.type)
        data = cgutils.alloca_once_value(builder, cgutils.pack_struct(builder, [packed, raised]))
        external = {
            "get_num_threads": ir.FunctionType(_INDEX, []),
            "numba_parallel_for": ir.FunctionType(ir.VoidType(), [_BYTES] * 5 + [_INDEX] * 3),
        }
        get_num_threads, parallel_for = (
            cgutils.get_or_insert_function(builder.module, kind, name) for name, kind in external.items()
        )
        task = _task(builder.module, call_one)
        pointers = [builder.bitcast(pointer, _BYTES) for pointer in (task, base, dimensions, steps, data)]
        builder.call(parallel_for, [*pointers, _INDEX(0), _ONE, builder.call(get_num_threads, [])])
        return builder.icmp_signed("==", builder.load(raised), _STATUS(0))

    return types.boolean(types.intp, function, arguments), code


def _call_one(context: Any, module: Any, function: Any, packed_type: Any) -> Any:
    """function(*packed, k), in Numba's calling convention, since the function may pass on an exception."""
    excinfo = context.call_conv.get_function_type(types.none, ()).args[1]
    kind = ir.FunctionType(_STATUS, [_BYTES, excinfo, packed_type, _INDEX])
    call_one = ir.Function(module, kind, module.get_unique_name("call_one"))
    call_one.linkage = "internal"
    builder = ir.IRBuilder(call_one.append_basic_block())
    _, _, packed, number = call_one.args
    function(builder, [*cgutils.unpack_tuple(builder, builder.load(packed)), number])
    builder.ret(_STATUS(0))
    return call_one


def _task(module: Any, call_one: Any) -> Any:
    """Calls it for the numbers that a thread is given, dimensions[0] of them. The first is args[0] − 1: Numba's
    OpenMP threads do not advance a null address.
    """
    task = ir.Function(module, _TASK, module.get_unique_name("task"))
    task.linkage = "internal"
    args, dimensions, steps, data = task.args
    builder = ir.IRBuilder(task.append_basic_block())
    nothing, excinfo, packed_type, _ = call_one.function_type.args
    exception = cgutils.alloca_once(builder, excinfo.pointee)
    shared = ir.LiteralStructType([packed_type, _STATUS.as_pointer()]).as_pointer()
    packed, raised = cgutils.unpack_tuple(builder, builder.load(builder.bitcast(data, shared)))
    first, step = builder.sub(builder.ptrtoint(builder.load(args), _INDEX), _ONE), builder.load(steps)
    with cgutils.for_range(builder, builder.load(dimensions)) as loop:
        number = builder.add(first, builder.mul(loop.index, step))
        status = builder.call(call_one, [ir.Constant(nothing, None), exception, packed, number])
        with cgutils.if_unlikely(builder, builder.icmp_signed("!=", status, _STATUS(0))):
            builder.store(status, raised)
    builder.ret_void()
    return task
