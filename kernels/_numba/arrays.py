"""Arrays for compiled code: intrinsics, which Numba compiles faster than NumPy's functions."""

from __future__ import annotations

from typing import Any

from numba import types
from numba.core import cgutils
from numba.core.imputils import impl_ret_borrowed, impl_ret_new_ref
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

from kernels._numba.vector_values import DOUBLE

_LINE_BYTES = 64


@intrinsic
def flattened(_typing: Any, X: Any) -> Any:
    """X as a one-dimensional array, in memory order. Numba takes 0.2 s to compile a reshape."""
    flat = X.copy(ndim=1, layout="C")

    def code(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        array, view = (
            context.make_array(X)(context, builder, arguments[0]),
            context.make_array(flat)(context, builder),
        )
        shared = {name: getattr(array, name) for name in ("data", "itemsize", "meminfo", "parent")}
        populate_array(view, shape=[array.nitems], strides=[array.itemsize], **shared)
        return impl_ret_borrowed(context, builder, flat, view._getvalue())

    return flat(X), code


@intrinsic
def aligned_zeros(_typing: Any, rows: Any, doubles: Any) -> Any:
    """Zeros in double, (rows, doubles), aligned to a cache line. In NumPy's terms they take 0.3 s to compile."""
    array = types.Array(types.float64, 2, "C")

    def code(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        itemsize = arguments[0].type(8)
        size = builder.mul(builder.mul(*arguments), itemsize)
        meminfo = context.nrt.meminfo_alloc_aligned(builder, size=size, align=_LINE_BYTES)
        data = context.nrt.meminfo_data(builder, meminfo)
        cgutils.memset(builder, data, size, 0)
        view = context.make_array(array)(context, builder)
        strides = [builder.mul(arguments[1], itemsize), itemsize]
        pointer = builder.bitcast(data, DOUBLE.as_pointer())
        populate_array(view, data=pointer, shape=arguments, strides=strides, itemsize=itemsize, meminfo=meminfo)
        return impl_ret_new_ref(context, builder, array, view._getvalue())

    return array(types.intp, types.intp), code


@intrinsic
def writable(_typing: Any, array: Any) -> Any:
    """The same array with a writable array's type, so that functions are compiled for one type only."""
    kind = array.copy(readonly=False)

    def code(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return impl_ret_borrowed(context, builder, kind, arguments[0])

    return kind(array), code
