"""Machine code of a trace: one loop over layouts that computes several of them at once.

LLVM compiles it for the processor that it runs on. All numbers are int64, so that every processor
gives the bytes of the rule on arrays.
"""

import ctypes
from collections.abc import Callable, Sequence
from functools import cache
from itertools import count
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir

from memmap_atlas.jit.trace import COMPARISONS, Instruction, trace_rule
from memmap_atlas.memmodel.regions import Ints, Regions

# layouts in a vector: the widest registers hold eight
LANES = 8
INT = ir.IntType(64)
VECTOR = ir.VectorType(INT, LANES)
NUMBERS = count()
OPCODES = {"add": "add", "sub": "sub", "mul": "mul", "and": "and_", "shr": "ashr", "shl": "shl"}

# rows of starts, of ends, of results, each with the stride of its rows; constants; layouts
ARGUMENTS = [*[ctypes.c_void_p, ctypes.c_int64] * 3, ctypes.c_void_p, ctypes.c_int64]
Program = Callable[[Regions, Ints], None]


def compile_rule(rule: Callable[[Regions], Sequence[Ints]], regions: int) -> Program:
    """A function that writes the results of ``rule`` for layouts of ``regions`` regions each, row
    by row, into an int64 array of shape (results, layouts). Divisors must be above 0.

    Raises TypeError where :mod:`memmap_atlas.jit.trace` can't trace the rule.
    """
    trace, results = trace_rule(rule, regions)
    run = machine_code(tuple(trace.instructions), tuple(results), len(trace.constants))
    constants = np.array(trace.constants, dtype=np.int64)

    def program(layouts: Regions, out: Ints) -> None:
        height, width = layouts.start.shape
        assert (height, *out.shape) == (regions, len(results), width)
        if 0 < width < LANES:
            # too few for a vector: the first of them again
            repeated = np.resize(np.arange(width), LANES)
            wide = np.empty((len(results), LANES), dtype=np.int64)
            edges = (edge.take(repeated, axis=1) for edge in (layouts.start, layouts.end))
            program(Regions(*edges), wide)
            out[:] = wide[:, :width]
        elif width:
            arrays = (layouts.start, layouts.end, out)
            rows = [argument for array in arrays for argument in pointer_and_stride(array)]
            run(*rows, constants.ctypes.data, width)

    return program


def pointer_and_stride(array: Ints) -> tuple[int, int]:
    """Address of a two-dimensional array, and how many numbers its rows lie apart."""
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
def machine_code(
    instructions: tuple[Instruction, ...], results: tuple[int, ...], constants: int
) -> Any:
    """The compiled loop of some instructions, as a function of ``ARGUMENTS``."""
    name = f"rule{next(NUMBERS)}"
    engine().add_module(llvm.parse_assembly(str(emit_loop(name, instructions, results, constants))))
    engine().finalize_object()
    return ctypes.CFUNCTYPE(None, *ARGUMENTS)(engine().get_function_address(name))


def emit_loop(
    name: str, instructions: Sequence[Instruction], results: Sequence[int], constants: int
) -> ir.Module:
    """The loop in LLVM's language. Its last round ends with the last layout, and so may compute
    some layouts of the round before again.
    """
    module = ir.Module(name)
    pointer = INT.as_pointer()
    kinds = [*[pointer, INT] * 3, pointer, INT]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), kinds), name)
    starts, ends, out = (function.args[first : first + 2] for first in (0, 2, 4))
    values, layouts = function.args[6:]
    extrema = {
        opcode: ir.Function(
            module, ir.FunctionType(VECTOR, [VECTOR, VECTOR]), f"llvm.s{opcode}.v{LANES}i64"
        )
        for opcode in ("min", "max")
    }
    entry, body, end = (function.append_basic_block(part) for part in ("entry", "body", "end"))
    build = ir.IRBuilder(entry)
    splats = [
        splat(build, build.load(build.gep(values, [INT(number)]))) for number in range(constants)
    ]
    last = build.sub(layouts, INT(LANES))
    build.branch(body)
    build.position_at_end(body)
    reached = build.phi(INT)
    reached.add_incoming(INT(0), entry)
    first = build.select(build.icmp_signed("<", reached, last), reached, last)

    def address(rows: Sequence[Any], row: int) -> Any:
        offset = build.add(build.mul(rows[1], INT(row)), first)
        return build.bitcast(build.gep(rows[0], [offset]), VECTOR.as_pointer())

    registers: list[Any] = []
    for opcode, operands in instructions:
        if opcode == "constant":
            registers.append(splats[operands[0]])
        elif opcode in ("start", "end"):
            edges = starts if opcode == "start" else ends
            registers.append(build.load(address(edges, operands[0])))
            registers[-1].align = INT.width // 8
        else:
            read = [registers[register] for register in operands]
            registers.append(emit_instruction(build, extrema, opcode, read))
    for row, register in enumerate(results):
        build.store(registers[register], address(out, row)).align = INT.width // 8
    following = build.add(reached, INT(LANES))
    reached.add_incoming(following, body)
    build.cbranch(build.icmp_signed("<", following, layouts), body, end)
    build.position_at_end(end)
    build.ret_void()
    return module


def emit_instruction(
    build: Any, extrema: dict[str, Any], opcode: str, operands: Sequence[Any]
) -> Any:
    """One instruction over a vector of layouts."""
    if opcode in extrema:
        return build.call(extrema[opcode], operands)
    if opcode in COMPARISONS.values():
        return build.icmp_signed(opcode, *operands)
    if opcode == "select":
        return build.select(*operands)
    if opcode == "div":
        # rounded down, as NumPy does; LLVM rounds towards 0
        quotient = build.sdiv(*operands)
        remainder = build.sub(operands[0], build.mul(quotient, operands[1]))
        zero = ir.Constant(VECTOR, [0] * LANES)
        unit = ir.Constant(VECTOR, [1] * LANES)
        negative = build.icmp_signed("<", remainder, zero)
        return build.sub(quotient, build.select(negative, unit, zero))
    return getattr(build, OPCODES[opcode])(*operands)


def splat(build: Any, value: Any) -> Any:
    """A vector that holds one number in every lane."""
    undefined = ir.Constant(VECTOR, ir.Undefined)
    lane = build.insert_element(undefined, value, ir.IntType(32)(0))
    mask = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return build.shuffle_vector(lane, undefined, mask)
