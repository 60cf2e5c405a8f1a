"""A recipe is data: whatever it says, it runs no code, reads no environment, and reads and writes no file outside.

Each trick is loaded, and run and saved where it is accepted, while Python's audit hook notes what the process does. What
Hydra would obey is tried in `test_security.py`.
"""

from __future__ import annotations

import io
import os
import pickle
import shutil
import sys
import sysconfig
import warnings
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tensorflow_free import RecipeError, StepError, load_recipe, run_recipe

CANARY = "canary-5c1f9e"
SECRET = 424242.0
CODE = (
    "exec",
    "os.",
    "subprocess.",
    "socket.",
    "ctypes.",
    "pickle.find_class",
    "shutil.",
    "code.",
    "cpython.",
    "webbrowser.",
    "ftplib.",
)
"""What running code would show, by the beginnings of the names of Python's audit events."""
HARMLESS = ("os.listdir", "os.scandir", "os.mkdir", "os.rename", "os.remove")
"""What looking for a near name, and saving a result, may do; saving is held to its folder by what lies there in the end."""
LIBRARIES = tuple(
    {
        str(Path(path).resolve())
        for path in [*sysconfig.get_paths().values(), *sys.path, Path(__file__).parent.parent / "tensorflow_free"]
        if path
    }
)


@dataclass
class Watch:
    """What the process did while it was watched: the audit events that code or foreign files would show."""

    folder: Path
    on: bool = False

    def __post_init__(self) -> None:
        self.seen: list[str] = []

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.on:
            return
        if event == "open" and isinstance(arguments[0], (str, bytes)):
            path = Path(os.fsdecode(arguments[0])).resolve()
            if not path.is_relative_to(self.folder) and not str(path).startswith(LIBRARIES):
                self.seen.append(f"open {path}")
        elif event.startswith(CODE) and event not in HARMLESS and not _is_import(event):
            self.seen.append(f"{event} {arguments}"[:200])


def _is_import(event: str) -> bool:
    """Whether a module that is being imported runs its own code."""
    frame = sys._getframe()
    while frame is not None and event == "exec":
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back  # type: ignore[assignment]
    return False


class Runs:
    """What a pickle does that runs code: it makes a file, and has read the environment."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.mkdir, ("pickle-was-run",)


@pytest.fixture(scope="module")
def watch() -> Iterator[Watch]:
    """One hook for all tests, as a hook cannot be taken away."""
    hook = Watch(Path("/nowhere"))
    sys.addaudithook(hook)
    run_recipe(load_recipe({"tensors": {"x": [1.0]}, "steps": {"y": "linalg.norm(x) + x.sum()"}, "expect": {"y": 2.0}}))
    with pytest.raises(RecipeError):
        load_recipe({"backend": "no such backend"})  # torch looks for its compilers then, and sets variables of its own
    yield hook
    hook.on = False


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that the folders of all tests begin with."""
    top = tmp_path_factory.mktemp("kept")
    for name, number in (("outside", SECRET), ("recipes", 1.0), ("recipes/below", 1.0)):
        (top / name).mkdir()
        np.save(top / name / "a.npy", np.array([number]))
        torch.save(torch.tensor([number]), top / name / "a.pt")
    hostile_files(top / "recipes")
    return top


@pytest.fixture
def folder(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for a recipe with files of all kinds, secrets beside it, and one in the environment."""
    shutil.copytree(kept, tmp_path, dirs_exist_ok=True)
    inside = tmp_path / "recipes"
    (inside / "link.npy").symlink_to(tmp_path / "outside" / "a.npy")
    (inside / "twice.npy").symlink_to(inside / "link.npy")
    (inside / "out").symlink_to(tmp_path / "outside")
    (inside / "round.npy").symlink_to(inside / "round.npy")
    os.mkfifo(inside / "pipe.npy")
    monkeypatch.setenv("CANARY", CANARY)
    monkeypatch.chdir(tmp_path)
    return inside


def hostile_files(folder: Path) -> None:
    """Files that would run code where a pickle is loaded."""
    objects = np.array([Runs()], dtype=object)
    np.save(folder / "objects.npy", objects, allow_pickle=True)
    np.savez(folder / "objects.npz", a=objects)
    (folder / "raw.npy").write_bytes(pickle.dumps(Runs()))
    torch.save({"a": Runs()}, folder / "code.pt")
    torch.save({"a": torch.ones(1), "b": Runs()}, folder / "beside.pt")
    torch.save(Runs(), folder / "old.pt", _use_new_zipfile_serialization=False)
    torch.save(torch.nn.Linear(1, 1), folder / "module.pt")
    (folder / "raw.pt").write_bytes(pickle.dumps(Runs()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit.trace is on its way out
        torch.jit.trace(torch.neg, torch.ones(1)).save(str(folder / "script.pt"))  # type: ignore[no-untyped-call]
    with zipfile.ZipFile(folder / "slip.npz", "w") as archive:
        archive.writestr("../../slipped.npy", npy(np.ones(1)))
    with zipfile.ZipFile(folder / "large.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", npy(np.ones(1)).replace(b"(1,)", b"(99999999999999,)"))
    (folder / "header.safetensors").write_bytes((2**63 - 1).to_bytes(8, "little") + b"{}")


def npy(array: Any) -> bytes:
    """An array as an .npy file."""
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def there(folder: Path) -> set[str]:
    """All files and folders beside and below the recipe's folder but those of a saved result."""
    kept = {str(path.relative_to(folder.parent)) for path in folder.parent.rglob("*")}
    return {path for path in kept if not path.startswith("saved")}


def outcome(text: str, folder: Path, watch: Watch) -> str:
    """All that is said of the recipe: its refusal, the step that failed, or every value that was recorded and saved."""
    before = there(folder)
    (folder / "recipe.yaml").write_text(text, encoding="utf-8")
    watch.folder, watch.seen, watch.on = folder, [], True
    try:
        said = tried(folder)
    finally:
        watch.on = False
    assert watch.seen == []
    assert there(folder) - before == {"recipes/recipe.yaml"}
    assert CANARY not in said
    assert str(int(SECRET)) not in said
    return said


def tried(folder: Path) -> str:
    """What loading and running the recipe say."""
    try:
        result = run_recipe(load_recipe(folder / "recipe.yaml"))
    except (RecipeError, StepError) as error:
        return f"{type(error).__name__}: {error}"
    verdicts = [verdict.message for verdict in result.expectations]
    return f"accepted: { {name: str(record.value) for name, record in result.records.items()} } {verdicts}"


PATHS = [
    "../outside/a.npy", "./../outside/a.npy", "below/../../outside/a.npy", "below/../../recipes/../outside/a.npy", "..", "../..", "/etc/passwd",
    "/proc/self/environ", "/proc/self/cwd/outside/a.npy", "/dev/stdin", "/dev/zero", "//etc/passwd", "link.npy", "twice.npy", "out/a.npy",
    "out/../outside/a.npy", "out", "round.npy", "pipe.npy", "~/a.npy", "$CANARY/a.npy", "${CANARY}.npy", "%CANARY%", "file:///etc/passwd",
    "https://localhost/a.npy", "..\\outside\\a.npy", "%2e%2e/outside/a.npy", "a.npy\0.txt", "a.npy/../../outside/a.npy", "*.npy", "",
    ".", "recipe.yaml", "objects.npy", "objects.npz", "raw.npy", "code.pt", "beside.pt", "old.pt", "module.pt", "raw.pt", "script.pt",
    "large.npz", "header.safetensors", " a.npy", "a.npy ", "\u2024\u2024/outside/a.npy", "\uff0e\uff0e/outside/a.npy",
]  # fmt: skip


@pytest.mark.parametrize("init", ["load", "from_numpy"])
@pytest.mark.parametrize("path", PATHS)
def test_path_of_a_file_leads_nowhere_else(folder: Path, watch: Watch, path: str, init: str) -> None:
    written = "".join(f"\\x{ord(letter):02x}" if ord(letter) < 32 or letter in '"\\' else letter for letter in path)
    said = outcome(f'tensors: {{x: {{init: {init}, path: "{written}"}}}}\n', folder, watch)
    assert said.startswith("RecipeError: ")


@pytest.mark.parametrize("key", ["../../slipped", "__class__", "f", "files", "zip", "slipped", "../../slipped.npy"])
def test_key_of_a_file_is_a_name_in_it_and_nothing_else(folder: Path, watch: Watch, key: str) -> None:
    said = outcome(f'tensors: {{x: {{init: load, path: slip.npz, key: "{key}"}}}}\n', folder, watch)
    assert said.startswith("RecipeError: ") or "'x': 'tensor([1.]" in said


def test_the_harmless_twins_of_the_files_are_read(folder: Path, watch: Watch) -> None:
    for path in ("a.npy", "a.pt", "below/a.npy", "./below/../a.npy", "a.npy/"):
        assert outcome(f"tensors: {{x: {{init: load, path: {path}}}}}\n", folder, watch).startswith("accepted")
        (folder / "recipe.yaml").unlink()


LINES = [
    "__import__('os').system('touch MARKER')", "__import__('os').getenv('CANARY')", "__builtins__", "__builtins__['open']('MARKER', 'w')",
    "eval('1')", "exec('import os')", "open('MARKER', 'w')", "compile('1', '', 'eval')", "globals()", "vars(x)", "dir(x)", "getattr(x, '__class__')",
    "breakpoint()", "input()", "exit()", "print(x)", "id(x)", "(lambda: x)()", "[v for v in x]", "{v for v in x}", "{1: x}", "(v for v in x)",
    "f'{x.__class__}'", "f'{x!r:{x}}'", "'%s' % x", "'{0.__class__}'.format(x)", "x.format(x)", "b'ab' + x", "x.__class__", "x.__class__.__mro__",
    "().__class__", "[].__class__", "(1).real.__class__", "x.__dict__", "x.__init__(x)", "x.__reduce__()", "x.__reduce_ex__(2)", "x.__getattribute__('a')",
    "x.__setstate__({})", "x.__deepcopy__(x)", "x.__dlpack__()", "x.__array__()", "x.__torch_function__(x)", "x.__module__", "x._backward_hooks", "x._base",
    "x.grad_fn.__init__", "x.grad_fn.next_functions", "x.register_hook(x)", "x.apply_(abs)", "x.map_(x, x)", "x.numpy().tofile('MARKER')", "x.numpy().dump('MARKER')",
    "x.tofile('MARKER')", "x.storage()", "x.untyped_storage()", "x.data_ptr()", "x.share_memory_()", "x.set_(x)", "x.pin_memory()", "x.record_stream(x)",
    "torch.save(x, 'MARKER')", "torch.load('code.pt')", "load('code.pt')", "torch.from_file('../outside/a.npy', False, 8)", "aten.from_file('../outside/a.npy', False, 8)",
    "torch.ops.aten.from_file('../outside/a.npy')", "torch.ops.load_library('a.so')", "torch.classes.load_library('a.so')", "torch.hub.load('a', 'b')",
    "torch.utils.cpp_extension.load('a', 'b')", "torch.os.system('touch MARKER')", "torch.os.environ", "torch.sys.exit()", "torch.sys.modules", "os.system('ls')",
    "torch._C._jit_set_profiling_mode(True)", "torch.jit.load('script.pt')", "torch.package.PackageImporter('a')", "torch.compile(x)", "torch.vmap(x)",
    "torch.multiprocessing.spawn(x)", "torch.distributed.init_process_group()", "torch.cuda.init()", "torch.manual_seed(1)", "torch.seed()", "torch.set_num_threads(1)",
    "torch.set_default_dtype(float64)", "torch.set_default_tensor_type('a')", "torch.set_printoptions(3)", "torch.use_deterministic_algorithms(True)", "torch.set_rng_state(x)",
    "torch.autograd.set_detect_anomaly(True)", "torch.backends.cuda.matmul.allow_tf32", "torch.nn.Module()", "torch.tensor.__class__", "aten.__class__", "linalg.__dict__",
    "F.__builtins__", "F.torch.os.system('ls')", "nn.functional.torch", "special.torch.load('a')", "prim.Print(x)", "aten._print(x)", "c10d.send(x)", "inductor.a(x)",
    "x := 1", "await x", "yield x", "import os", "x; x", "x = 1", "del x", "*x", "x, x", "...", "x if x else x", "x #\n.sum()", "relu(*[x])", "relu(**{})",
    "x.to('cpu; touch MARKER')", "x.to('file:///etc')", "x.type('os.system')", "einsum('__import__', x)", "x[__import__('os')]", "x[x.__class__]", "x[open('MARKER', 'w')]",
    "x[f'{x}']", "x[lambda: 0]", "x[[v for v in x]]", "x[(yield)]", "x['__class__']", "x[*x]", "10 ** 10 ** 10", "1 << 10 ** 10", "x ** 9 ** 9 ** 9", "-(9 ** 9 ** 9)",
    "'a' * 10 ** 9", "[x] * 10 ** 9", "x.repeat(10 ** 12)", "zeros(10 ** 12)", "x.resize_(10 ** 15)", "x.expand(2 ** 63, 2)", "arange(10 ** 15)",
]  # fmt: skip


@pytest.mark.parametrize("line", LINES)
def test_line_of_python_runs_nothing(folder: Path, watch: Watch, line: str) -> None:
    written = line.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    said = outcome(f'tensors: {{x: [1.0, 2.0]}}\nsteps: {{y: "{written}"}}\n', folder, watch)
    assert not said.startswith("accepted")


OPS = [
    "os.system", "torch.os.system", "builtins.eval", "__import__", "eval", "exec", "open", "getattr", "setattr", "subprocess.run", "pathlib.Path.write_text", "numpy.load",
    "torch.load", "torch.save", "load", "save", "from_file", "torch.from_file", "aten.from_file", "aten.from_file.default", "aten.from_file.out", "torch.ops.aten.from_file",
    "aten.set_.source_Storage", "aten.record_stream", "aten.save", "aten._print", "aten.format", "aten.__class__", "aten..default", "aten.", "aten", "prim.Print", "c10d.send",
    "__reduce__", "__reduce_ex__", "__setstate__", "__class__", "__getattribute__", "__init__", "__init_subclass__", "__del__", "__dlpack__", "__array__", "__torch_function__",
    "Tensor.__class__", "Tensor.numpy.__globals__", "torch.Tensor", "torch._C", "_C._jit", "register_hook", "share_memory_", "apply_", "map_", "map2_", "set_", "storage",
    "data_ptr", "manual_seed", "set_num_threads", "compile", "jit.load", "hub.load", "package.load", "cpp_extension.load", "torch", "nn", "linalg", "F", "nn.Module", "nn.Linear",
    "torch.nn.functional.torch.os.system", "F.torch", "linalg.torch", "fft.Tensor", "special.sys", "..", ".", "", " ", "a\nb", "relu ", "relu;", "relu()", "../relu", "/bin/sh",
    "${oc.env:CANARY}", "{0.__class__}", "%s", "\x1b[2J", "_target_", "hydra", "backward.__call__", "grad.__globals__", "[].__class__", "+.__call__", "numpy.tofile",
]  # fmt: skip


@pytest.mark.parametrize("op", OPS)
def test_name_of_an_op_reaches_nothing_but_the_registry(folder: Path, watch: Watch, op: str) -> None:
    written = "".join(f"\\x{ord(letter):02x}" if ord(letter) < 32 else letter for letter in op)
    said = outcome(f'tensors: {{x: [1.0, 2.0]}}\nsteps: {{y: {{op: "{written}", args: [x]}}}}\n', folder, watch)
    assert said.startswith("RecipeError: ")


FIELDS = [
    "__class__", "__dict__", "__reduce__", "__module__", "__init__", "_backward_hooks", "_base", "_version", "_grad", "grad_fn.__init__", "grad_fn.__class__",
    "grad_fn.next_functions", "grad_fn.metadata", "grad_fn.name", "shape.__class__", "shape.count", "shape.numel", "device.__reduce__", "device.index", "dtype.__module__",
    "dtype.is_floating_point", "data.__class__", "real.__class__", "T.__class__", "0.__class__", "0.tolist", "storage", "untyped_storage", "numpy", "tolist", "register_hook",
    "backward", "", ".", "0.", "-1", "1e3", "0x0", "grad.__class__", "after.__class__", "names.__class__", "mro", "²",
]  # fmt: skip


@pytest.mark.parametrize("where", ["tensor", "step", "fields", "backward step"])
@pytest.mark.parametrize("field", FIELDS)
def test_field_of_a_value_reads_no_attribute_that_is_not_listed(
    folder: Path, watch: Watch, field: str, where: str
) -> None:
    name = {"tensor": "x", "step": "s", "fields": "q", "backward step": "b"}[where]
    steps = f's: x * 2, q: {{op: linalg.qr, args: [m]}}, b: {{op: backward, args: [s.sum]}}, y: {{op: neg, args: ["{name}.{field}"]}}'
    steps = steps.replace("[s.sum]", "[t]").replace("q:", "t: s.sum(), q:", 1)
    said = outcome(
        f"tensors: {{x: {{data: [1.0, 2.0], requires_grad: true}}, m: [[1.0]]}}\nsteps: {{{steps}}}\n", folder, watch
    )
    assert not said.startswith("accepted")


ARGUMENTS = [
    "{ref: x.__class__}", "{ref: __builtins__}", "{ref: os}", "{ref: [x]}", "{str: {a: 1}}", "{dtype: os}", "{dtype: __class__}", "{dtype: torch.os}", "{dtype: float32.__class__}",
    "{finfo: __class__}", "{finfo: dtype}", "{finfo: __init__}", "{finfo: bits}", "{finfo: [max]}", "{complex: [__class__, 1]}", "{complex: __import__}", "{tensor: __class__}",
    "{tensor: {a: 1}}", "{tensor: ['a']}", "{eval: '1'}", "{_target_: os.getcwd}", "{code: '1'}", "{ref: x, str: y}", "{}", "__import__('os')", "x.__class__", "torch.os",
    "cpu:0; ls", "${oc.env:CANARY}", "$CANARY", "!!python/name:os.system", "[[__class__]]",
]  # fmt: skip


@pytest.mark.parametrize("argument", ARGUMENTS)
def test_argument_is_nothing_but_a_listed_form(folder: Path, watch: Watch, argument: str) -> None:
    written = argument if argument[0] in "{[!" else f'"{argument}"'
    said = outcome(f"tensors: {{x: [1.0, 2.0]}}\nsteps: {{y: {{op: add, args: [x, {written}]}}}}\n", folder, watch)
    assert said.startswith("RecipeError: ")


SUBSCRIPTS = [
    "__import__('os')", "open('MARKER', 'w')", "x.__class__", "x[0].__class__", "f'{x}'", "'a'", "lambda: 0", "[v for v in x]", "(yield)", "print(1):", ":exit()", "i.__index__",
    "{1: 2}", "*x", "0][0", "0] + open('MARKER')[0", "x := 1", "0); exit(", "0\n", "0 #", "1.5", "1j", "b'a'", "[" * 200 + "]" * 200, "-" * 5000 + "1", "9" * 5000,
    "x if x else x", "x and x", "not x", "x + 1", "x > 0", "relu(x)", "i.__class__.__mro__", "i.grad_fn.__init__",
]  # fmt: skip


@pytest.mark.parametrize("subscript", SUBSCRIPTS, ids=lambda text: text[:20])
def test_subscript_runs_nothing(folder: Path, watch: Watch, subscript: str) -> None:
    written = subscript.replace("\n", "\\n")
    said = outcome(
        f'tensors: {{x: [[1.0, 2.0]], i: 0}}\nsteps: {{y: {{op: "[]", args: [x, "{written}"]}}}}\n', folder, watch
    )
    assert not said.startswith("accepted") or subscript in ("0\n", "0 #")


COMPILERS = [
    "{name: inductor, options: {cpp.cxx: [touch, MARKER]}}", "{name: inductor, options: {cpp.cxx: touch}}", "{name: inductor, options: {trace.enabled: true}}",
    "{name: inductor, options: {trace.debug_dir: MARKER}}", "{name: inductor, options: {aot_inductor.output_path: MARKER}}", "{name: inductor, options: {save_args: true}}",
    "{name: inductor, options: {post_grad_custom_pre_pass: os.system}}", "{name: inductor, options: {cuda.cuda_cxx: touch}}", "{name: inductor, options: {cpp.vec_isa_ok: true}}",
    "{name: inductor, options: {aot_inductor.compile_wrapper_opt_level: '-O0 -o MARKER'}}", "{name: inductor, options: {__class__: 1}}", "{name: inductor, options: {cpp: {cxx: touch}}}",
    "{name: inductor, options: {max_autotune: [true]}}", "{name: inductor, options: {is_fbcode: true}}", "{name: aot_eager, options: {hook: os.system}}", "os.system",
    "builtins.eval", "__import__", "MARKER.so", "../outside/a", "{name: tvm, options: {a: [b]}}", "dynamo_minifier_backend", "dynamo_accuracy_minifier_backend",
    "{name: inductor, mode: os.system}", "{name: inductor, mode: {a: 1}}", "{name: [inductor]}",
]  # fmt: skip


@pytest.mark.parametrize("backend", COMPILERS)
def test_backend_names_no_compiler_flag_hook_or_folder(folder: Path, watch: Watch, backend: str) -> None:
    said = outcome(f"backend: {backend}\ntensors: {{x: [1.0, 2.0]}}\nsteps: {{y: x * 2}}\n", folder, watch)
    assert said.startswith("RecipeError: ")


REST = [
    "device: 'cpu; touch MARKER'", "device: ${oc.env:CANARY}", "device: /dev/zero", "dtype: torch.os", "dtype: __class__", "seed: ${oc.env:CANARY}",
    "settings: {__class__: 1}", "settings: {num_threads: 99999999999999999999}", "settings: {cpu_capability: '; touch MARKER'}", "settings: {deterministic: {a: 1}}",
    "tensors: {x: {init: __class__}}", "tensors: {x: {init: torch.load, path: code.pt}}", "tensors: {x: {init: eval, data: '1'}}", "tensors: {x: {init: kaiming_uniform, size: [2, 2], mode: __class__}}",
    "tensors: {x: {data: __import__('os')}}", "tensors: {x: {data: 'x' }}", "tensors: {x: {data: 1.0, dtype: os}}", "tensors: {x: {data: 1.0, memory_format: os}}",
    "tensors: {x: {data: {finfo: __class__}}}", "tensors: {x: {init: ones, size: 1000000000000}}", "tensors: {__class__: {data: [1], _target_: os.system}}", "tensors: {x: !!python/name:os.system }",
    "tensors: {x: {init: ones, size: [4], stride: [1000000000000]}}", "tensors: {'../x': 1.0}", "tensors: {'x/y': 1.0}", "tensors: {'x.y': 1.0}", "tensors: {'{0.__class__}': 1.0}", "tensors: {'%(x)s': 1.0}",
    'tensors: {"a\\x1b[2J": 1.0}', "tensors: {'': 1.0}", "steps: {y: {with: os.system, steps: {z: 1 + 1}}}", "steps: {y: {with: {autocast: {dtype: os}}, steps: {z: 1 + 1}}}",
    "steps: {y: {with: {autocast: {device_type: cuda}}, steps: {z: 1 + 1}}}", "steps: {y: {with: {_target_: a}, steps: {z: 1 + 1}}}", "expect: {error: {match: '(unclosed'}}",
    "expect: {x.__class__: 1}", "expect: {__class__: 1}", "record: [__class__]", "record: [../x]", "backward: __class__", "backward: {target: x, gradient: {init: load, path: a.npy}}",
    "backward: {target: x, gradient: {_target_: a}}", "ops: [os.system]", "ops: [../my_ops.py]", "ops: my_ops.py", "defaults: [../outside/a]", "hydra: {run: {dir: MARKER}}",
    "params: {a: '${oc.env:CANARY}'}", "params: {a: '${env:CANARY}'}", "params: {a: '${oc.decode:x}'}", "params: {a: !!python/object/apply:os.system [ls]}", "params: {<<: {a: 1}}",
    "cases: {a: {hydra: {}}}", "cases: {a: {tensors: {x: {_target_: b}}}}", "reference: {_target_: a}", "reference: {hydra.run.dir: a}", "xfail: [{reason: a, when: {__class__: 1}}]",
]  # fmt: skip


@pytest.mark.parametrize("line", REST)
def test_every_other_key_is_held_to_its_list(folder: Path, watch: Watch, line: str) -> None:
    said = outcome(f"{line}\n", folder, watch)
    assert said.startswith("RecipeError: ")


@pytest.mark.parametrize(
    "text",
    [
        "{x.__class__}",
        "%(CANARY)s",
        "$CANARY",
        "${params.x}$CANARY",
        "[red]x[/]",
        "{{x}}",
        "../x",
        "`touch MARKER`",
        "$(touch MARKER)",
        "<script>",
    ],
)
def test_text_that_is_shown_is_shown_as_it_stands(folder: Path, watch: Watch, text: str) -> None:
    said = outcome(
        f"description: '{text}'\nparams: {{x: 1}}\ntags: ['{text}']\nsource: '{text}'\ntensors: {{x: 1.0}}\n",
        folder,
        watch,
    )
    assert said.startswith("accepted")


@pytest.mark.parametrize(
    "text", ["\\e[2J\\e]0;owned\\a", "a\\nother.yaml:1:1: all is well", "\\u202egnp.exe", "\\r\\0"]
)
def test_control_character_in_a_refused_text_is_written_out(folder: Path, watch: Watch, text: str) -> None:
    for key in (f'tags: "{text}"', f'settings: {{num_threads: "{text}"}}', f'tensors: {{x: "{text}"}}'):
        said = outcome(f"{key}\n", folder, watch)
        assert said.startswith("RecipeError: ")
        assert said.isprintable()
        (folder / "recipe.yaml").unlink()


def test_saving_a_hostile_recipe_writes_in_its_folder_only(folder: Path, watch: Watch) -> None:
    text = "description: '../../x'\ntags: [../x]\ncases: {../c: {}}\ntensors: {x: {init: load, path: below/../a.npy}}\nsteps: {y: x * 2}\n"
    (folder / "recipe.yaml").write_text(text, encoding="utf-8")
    before = there(folder)
    run_recipe(load_recipe(folder / "recipe.yaml")).save(folder.parent / "saved")
    assert there(folder) == before


def test_the_process_is_as_it_was_after_every_refusal(folder: Path, watch: Watch) -> None:
    def state() -> tuple[Any, ...]:
        return (
            torch.get_default_dtype(),
            torch.get_num_threads(),
            torch.are_deterministic_algorithms_enabled(),
            Path.cwd(),
            dict(os.environ),
        )

    before = state()
    for line in REST:
        outcome(f"{line}\n", folder, watch)
        (folder / "recipe.yaml").unlink()
    assert state() == before


def test_the_watch_sees_what_it_should(folder: Path, watch: Watch) -> None:
    watch.folder, watch.seen, watch.on = folder, [], True
    try:
        np.load(folder / "objects.npy", allow_pickle=True)
    finally:
        watch.on = False
    assert any(event.startswith("pickle.find_class") for event in watch.seen)
    watch.seen, watch.on = [], True
    with (folder.parent / "outside" / "a.npy").open("rb"):
        watch.on = False
    assert len(watch.seen) == 1
