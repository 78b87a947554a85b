"""Steps as machine code: one loop over layouts that takes all steps for several of them at once.

LLVM makes it for the processor that it runs on. All numbers are int64, so that every processor
gives the same bytes, those of the rule on arrays.
"""

import ctypes
from collections.abc import Callable, Sequence
from functools import cache
from itertools import count
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir

from memmap_atlas.jit.trace import COMPARED, Step, trace_rule
from memmap_atlas.memmodel.regions import Ints, Regions

# layouts that are taken at once: the widest registers hold eight
WIDE = 8
INT = ir.IntType(64)
MANY = ir.VectorType(INT, WIDE)
NUMBERS = count()
OPERATIONS = {"add": "add", "sub": "sub", "mul": "mul", "and": "and_", "shr": "ashr", "shl": "shl"}

# rows of starts, of ends, of results, each with the distance of its rows; constants; layouts
ARGUMENTS = [*[ctypes.c_void_p, ctypes.c_int64] * 3, ctypes.c_void_p, ctypes.c_int64]
Program = Callable[[Regions, Ints], None]


def compile_rule(rule: Callable[[Regions], Sequence[Ints]], regions: int) -> Program:
    """A function that writes what ``rule`` gives for layouts of so many regions, row by row, into
    an int64 array of shape (rows, layouts). Divisors must be above 0.

    Raises TypeError where the rule does what :mod:`memmap_atlas.steps` can't write down.
    """
    steps, results = trace_rule(rule, regions)
    run = machine_code(tuple(steps.taken), tuple(results), len(steps.constants))
    constants = np.array(steps.constants, dtype=np.int64)

    def program(layouts: Regions, out: Ints) -> None:
        height, width = layouts.start.shape
        assert (height, *out.shape) == (regions, len(results), width)
        if 0 < width < WIDE:
            # too few for one round: the first of them again
            more = np.resize(np.arange(width), WIDE)
            wide = np.empty((len(results), WIDE), dtype=np.int64)
            program(
                Regions(*(edge.take(more, axis=1) for edge in (layouts.start, layouts.end))), wide
            )
            out[:] = wide[:, :width]
        elif width:
            rows = [part for array in (layouts.start, layouts.end, out) for part in rows_of(array)]
            run(*rows, constants.ctypes.data, width)

    return program


def rows_of(array: Ints) -> tuple[int, int]:
    """Where a two-dimensional array begins, and how many numbers its rows lie apart."""
    assert array.dtype == np.int64
    assert array.strides[1] == array.itemsize
    return array.ctypes.data, array.strides[0] // array.itemsize


@cache
def engine() -> Any:
    """LLVM's compiler for this processor."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=3
    )
    return llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)


@cache
def machine_code(taken: tuple[Step, ...], results: tuple[int, ...], constants: int) -> Any:
    """The machine code of some steps, as a function of ``ARGUMENTS``."""
    name = f"rule{next(NUMBERS)}"
    engine().add_module(llvm.parse_assembly(str(emit_loop(name, taken, results, constants))))
    engine().finalize_object()
    return ctypes.CFUNCTYPE(None, *ARGUMENTS)(engine().get_function_address(name))


def emit_loop(
    name: str, taken: Sequence[Step], results: Sequence[int], constants: int
) -> ir.Module:
    """The loop in LLVM's language. The last round begins where it ends with the last layout, and so
    may take some layouts again.
    """
    module = ir.Module(name)
    pointer = INT.as_pointer()
    kinds = [*[pointer, INT] * 3, pointer, INT]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), kinds), name)
    starts, ends, out = (function.args[place : place + 2] for place in (0, 2, 4))
    values, layouts = function.args[6:]
    extreme = {
        kind: ir.Function(module, ir.FunctionType(MANY, [MANY, MANY]), f"llvm.s{kind}.v{WIDE}i64")
        for kind in ("min", "max")
    }
    before, body, after = (function.append_basic_block(part) for part in ("before", "body", "end"))
    build = ir.IRBuilder(before)
    known = [
        splat(build, build.load(build.gep(values, [INT(place)]))) for place in range(constants)
    ]
    final = build.sub(layouts, INT(WIDE))
    build.branch(body)
    build.position_at_end(body)
    reached = build.phi(INT)
    reached.add_incoming(INT(0), before)
    first = build.select(build.icmp_signed("<", reached, final), reached, final)

    def at(rows: Sequence[Any], row: int) -> Any:
        place = build.add(build.mul(rows[1], INT(row)), first)
        return build.bitcast(build.gep(rows[0], [place]), MANY.as_pointer())

    done: list[Any] = []
    for operation, arguments in taken:
        if operation == "constant":
            done.append(known[arguments[0]])
        elif operation in ("start", "end"):
            done.append(build.load(at(starts if operation == "start" else ends, arguments[0])))
            done[-1].align = INT.width // 8
        else:
            done.append(emit_step(build, extreme, operation, [done[place] for place in arguments]))
    for row, place in enumerate(results):
        build.store(done[place], at(out, row)).align = INT.width // 8
    following = build.add(reached, INT(WIDE))
    reached.add_incoming(following, body)
    build.cbranch(build.icmp_signed("<", following, layouts), body, after)
    build.position_at_end(after)
    build.ret_void()
    return module


def emit_step(build: Any, extreme: dict[str, Any], operation: str, values: Sequence[Any]) -> Any:
    """One step for several layouts."""
    if operation in extreme:
        return build.call(extreme[operation], values)
    if operation in COMPARED.values():
        return build.icmp_signed(operation, *values)
    if operation == "select":
        return build.select(*values)
    if operation == "div":
        # rounded down, as numpy does; LLVM rounds towards 0
        whole = build.sdiv(*values)
        rest = build.sub(values[0], build.mul(whole, values[1]))
        zero = ir.Constant(MANY, [0] * WIDE)
        one = ir.Constant(MANY, [1] * WIDE)
        return build.sub(whole, build.select(build.icmp_signed("<", rest, zero), one, zero))
    return getattr(build, OPERATIONS[operation])(*values)


def splat(build: Any, value: Any) -> Any:
    """The same number for every layout."""
    none = ir.Constant(MANY, ir.Undefined)
    first = build.insert_element(none, value, ir.IntType(32)(0))
    return build.shuffle_vector(
        first, none, ir.Constant(ir.VectorType(ir.IntType(32), WIDE), [0] * WIDE)
    )
