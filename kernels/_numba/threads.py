"""A function called by all of Numba's threads, from compiled code.

`prange` would do the same. But Numba compiles the body of its loop as a function of its own and wraps it three times,
and with each of these LLVM optimises again all that is called in it. Of 7 s that the fused gradient took to compile
on an AMD EPYC (Zen 4), 4 were lost there.
"""

from __future__ import annotations

from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

numba.get_num_threads()  # makes Numba load its threads' library; without, code from the cache could not call it

_BYTES, _INDEX = ir.IntType(8).as_pointer(), ir.IntType(64)
_ONE = _INDEX(1)
_TASK = ir.FunctionType(ir.VoidType(), [_BYTES.as_pointer(), _INDEX.as_pointer(), _INDEX.as_pointer(), _BYTES])
"""What Numba's threads call, as NumPy a loop of a generalised ufunc: args, dimensions, steps, data."""


@intrinsic
def in_parallel(typing: Any, count: Any, function: Any, arguments: Any) -> Any:
    """Call function(*arguments, k) for k = 0, 1, ... count − 1, on as many threads as there are, up to count.

    function: for compiled code; what it returns or raises is lost
    """
    called = function.get_call_type(typing, (*arguments.types, types.intp), {})

    def code(context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        packed = cgutils.alloca_once_value(builder, values[2])
        one = _call_of_one(context, builder.module, context.get_function(function, called), packed.type)
        base, dimensions, steps = (
            cgutils.alloca_once_value(builder, value) for value in (_ONE.inttoptr(_BYTES), values[0], _ONE)
        )
        kinds = [_BYTES] * 5 + [_INDEX] * 3
        start = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(ir.VoidType(), kinds), "numba_parallel_for"
        )
        task = _task(builder.module, one)
        pointers = [builder.bitcast(pointer, _BYTES) for pointer in (task, base, dimensions, steps, packed)]
        builder.call(start, [*pointers, _INDEX(0), _ONE, values[0]])
        return context.get_dummy_value()

    return types.void(count, function, arguments), code


def _call_of_one(context: Any, module: Any, function: Any, packed: Any) -> Any:
    """function(*packed, k), as Numba calls: it returns a status, by way of its second argument an exception."""
    excinfo = context.call_conv.get_function_type(types.none, ()).args[1]
    kind = ir.FunctionType(ir.IntType(32), [_BYTES, excinfo, packed, _INDEX])
    one = ir.Function(module, kind, module.get_unique_name("one_of_parallel"))
    one.linkage = "internal"
    builder = ir.IRBuilder(one.append_basic_block())
    _, _, values, number = one.args
    function(builder, [*cgutils.unpack_tuple(builder, builder.load(values)), number])
    builder.ret(ir.Constant(ir.IntType(32), 0))
    return one


def _task(module: Any, one: Any) -> Any:
    """Calls it for the numbers that a thread is given: how far args[0] is from its base, which is not 0."""
    task = ir.Function(module, _TASK, module.get_unique_name("task_of_parallel"))
    task.linkage = "internal"
    args, dimensions, steps, data = task.args
    builder = ir.IRBuilder(task.append_basic_block())
    nothing, excinfo, packed, _ = one.function_type.args
    raised = cgutils.alloca_once(builder, excinfo.pointee)
    values = builder.bitcast(data, packed)
    first, step = builder.sub(builder.ptrtoint(builder.load(args), _INDEX), _ONE), builder.load(steps)
    with cgutils.for_range(builder, builder.load(dimensions)) as loop:
        number = builder.add(first, builder.mul(loop.index, step))
        builder.call(one, [ir.Constant(nothing, None), raised, values, number])
    builder.ret_void()
    return task
