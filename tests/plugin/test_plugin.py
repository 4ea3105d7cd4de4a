"""pytest --benchmark, run as a user runs it; the runs are short, and no test judges a time."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pytest

from bench.host import resources
from bench.host.checkout import CHECKOUT
from bench.plugin.storage import without_repetitions
from bench.results import json_text, record, run_file
from bench.results.tables import without_tables
from bench.workloads import catalog
from bench.workloads.digest import digest, same_data
from tests.support.pytest_run import FAST, SHORT, Ran, Run, environment, files, in_subprocess


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ran, Path]:
    """A run in a subprocess with two launches, a page and a copy of the JSON; and the folder of its files."""
    folder = tmp_path_factory.mktemp("finished")
    short = tuple(option for option in SHORT if option != "--no-page")
    written = (f"--results={folder / 'results'}", f"--benchmark-json={folder / 'copy.json'}")
    return in_subprocess("--benchmark", *FAST, "--launches=2", *written, short=short), folder


def test_a_run_prints_its_results_and_writes_its_files(finished: tuple[Ran, Path]) -> None:
    ran, folder = finished
    assert ran.returncode == 0, ran.stdout
    assert re.search(r"logitbench: 2 workloads, 2 kernels, about \d+ s, on ", ran.stdout)
    # pytest-benchmark's table, then the summary (with a table for the cold start), then the files
    positions = [ran.stdout.index(text) for text in ("benchmark '10x2-f64': 2 tests", "× loops", "results: ")]
    assert positions == sorted(positions)
    (file,) = files(folder)
    assert re.fullmatch(r"\d{8}T\d{6}Z-(nogit|[0-9a-f]{7,}(-dirty)?)\.json", file.name)
    results = run_file.read(file)
    assert file.parent.name == results.machine["id"]
    assert [(r.workload, r.kernel, r.outcome) for r in results.records] == [
        ("10x2-f64", "numpy", "ok"), ("10x2-f64", "loops", "ok"),
        ("20x3-f32", "numpy", "ok"), ("20x3-f32", "loops", "ok"),
    ]  # fmt: skip
    *_, before, last = ran.stdout.rstrip().splitlines()
    assert before == f"results: {os.path.relpath(file, CHECKOUT)}"
    assert last == f"page: {os.path.relpath(file.with_suffix('.html'), CHECKOUT)}"
    assert f"logitbench on {results.machine['id']}" in file.with_suffix(".html").read_text()
    table_lines = [line for line in ran.stdout.splitlines() if line.startswith(("numpy", "loops", "Name", "kernel"))]
    assert len(table_lines) == 2 * 2 * 3 + 3
    assert max(map(len, table_lines)) <= 80


def test_the_file_is_pytest_benchmarks_json_with_every_round(finished: tuple[Ran, Path]) -> None:
    _, folder = finished
    (file,) = files(folder)
    copy, document = (json.loads(path.read_text()) for path in (folder / "copy.json", file))
    assert {**without_repetitions(copy), "logitbench": 0} == {**document, "logitbench": 0}
    assert asdict(run_file.read(folder / "copy.json")) == asdict(run_file.read(file))
    document["logitbench"] = without_tables(document["logitbench"])
    rounds: dict[tuple[str, str], list[float]] = {}
    for race in document["logitbench"]["races"]:
        for launch in race["rounds"]:
            assert len(launch["seconds"]) == len(launch["order"])
            rounds.setdefault((race["workload"], launch["kernel"]), []).extend(launch["seconds"])
    controls = {key for key in rounds if key[1].endswith(" (control)")}
    assert len(controls) == 2
    assert len(document["benchmarks"]) == len(rounds) - len(controls) == 4
    for benchmark in copy["benchmarks"]:
        expected = rounds[benchmark["params"]["workload"], benchmark["params"]["kernel"]]
        assert benchmark["stats"]["data"] == pytest.approx(expected)
        assert benchmark["extra_info"]["record"] == "gradient/{workload}/{kernel}/{threads}".format(
            **benchmark["params"]
        )
    assert document["machine_info"]["node"] == file.parent.name
    assert file.stem.endswith(document["logitbench"]["run"]["commit"])
    for race in document["logitbench"]["races"]:
        assert same_data(race["data"], digest(*catalog.data(catalog.named(race["workload"]))))
    shown = subprocess.run(
        [sys.executable, "-m", "pytest_benchmark", "compare", str(file), "--columns=median"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "test_gradient[10x2-f64-numpy]" in shown.stdout


def test_the_file_has_no_path_of_this_machine(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(f"def gradient(X, y, w, b):\n    open({str(tmp_path / 'gone' / 'x.npy')!r})\n")
    run("--benchmark", "--workloads", "10x2", "--kernels", f"{tmp_path / 'mine.py'}:gradient")
    text = files(tmp_path)[0].read_text()
    assert "FileNotFoundError" in text
    assert str(tmp_path) not in text
    assert str(CHECKOUT) not in text


def test_dash_k_chooses_and_adds_the_baselines(run: Run, tmp_path: Path) -> None:
    ran = run("--benchmark", "--workloads", "10x2,20x3", "-k", "20x3 and loops-examples")
    assert ran.returncode == 0, ran.stdout
    results = run_file.read(files(tmp_path)[0])
    assert [(r.kernel, r.workload, r.selected) for r in results.records] == [
        ("loops", "20x3-f64", False), ("numpy", "20x3-f64", False), ("loops-examples", "20x3-f64", True),
    ]  # fmt: skip
    assert re.search("not selected, timed only for comparison: (loops, numpy|numpy, loops)\n", ran.stdout)


@pytest.mark.parametrize(
    "options",
    [
        ("--benchmark-disable",),
        ("--benchmark-skip",),
        ("--collect-only",),
        ("-n", "1"),
        ("-n", "1", "--dist", "no"),
    ],
)
def test_options_that_time_nothing(run: Run, tmp_path: Path, options: tuple[str, ...]) -> None:
    ran = run("--benchmark", *FAST, *options)
    assert ran.returncode == 0, ran.stdout
    assert not (tmp_path / "results").exists()  # not even a journal
    assert "time/call" not in ran.stdout


def test_without_the_flag_nothing_is_timed(run: Run, tmp_path: Path) -> None:
    ran = run("bench/")
    assert ran.returncode == 0
    assert "1 skipped" in ran.stdout
    assert files(tmp_path) == []


@pytest.mark.parametrize("options", [("bench/",), ("--benchmark-only",), ("--benchmark-columns=min", "-v")])
def test_other_options_of_pytest(run: Run, tmp_path: Path, options: tuple[str, ...]) -> None:
    ran = run("--benchmark", *options, *FAST)
    assert (ran.returncode, len(files(tmp_path))) == (0, 1), ran.stdout
    assert "4 passed" in ran.stdout


def test_pytest_benchmarks_own_storage_and_compare(run: Run, tmp_path: Path) -> None:
    storage = (f"--benchmark-storage={tmp_path / 'storage'}",)
    assert run("--benchmark", *FAST, *storage, "--benchmark-save=first").returncode == 0
    (saved,) = (tmp_path / "storage").rglob("*_first.json")
    assert "logitbench" in json.loads(saved.read_text())
    ran = run("--benchmark", *FAST, *storage, "--benchmark-compare")
    assert ran.returncode == 0
    assert re.search(r"numpy \(0001_fi\S*\) ", ran.stdout), ran.stdout
    assert "machine_info is different" not in ran.stdout + ran.stderr


CHEAT = """
from kernels.gradient.numpy_vectorized import gradient as correct

def wrong(X, y, w, b):
    J, dw, db = correct(X, y, w, b)
    return J, -dw, db

def raises(X, y, w, b):
    raise RuntimeError("no luck\\nat all")
"""


def test_a_wrong_kernel_has_no_time_and_the_others_do(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(CHEAT)
    specs = f"{tmp_path}/mine.py:wrong,{tmp_path}/mine.py:raises,numpy"
    copy = tmp_path / "copy.json"
    ran = run("--benchmark", "--workloads", "10x2", "--kernels", specs, f"--benchmark-json={copy}")
    assert ran.returncode == 1
    assert "mine:wrong on 10x2-f64: wrong: data: dw[" in ran.stdout
    assert "mine:raises on 10x2-f64: raised: RuntimeError: no luck" in ran.stdout
    assert "2 failed, 1 passed" in ran.stdout
    outcomes = {r.kernel: r for r in run_file.read(files(tmp_path)[0]).records}
    assert (outcomes["numpy"].outcome, outcomes["loops"].outcome) == ("ok", "ok")
    for name, outcome in (("mine:wrong", "wrong"), ("mine:raises", "raised")):
        assert outcomes[name].outcome == outcome
        assert (outcomes[name].seconds, outcomes[name].speedup, outcomes[name].cold) == (
            None,
            None,
            record.Cold(),
        )
    assert [b["params"]["kernel"] for b in json.loads(copy.read_text())["benchmarks"]] == ["numpy"]


def test_what_a_kernel_raises_is_cut_and_printable_everywhere(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "def raises(X, y, w, b):\n    raise RuntimeError('\\x1b[31mred\\r\\x00\\x07\\udcff' + 'x' * 10**7)\n"
    )
    ran = run("--benchmark", "--workloads", "10x2", "--kernels", f"{tmp_path}/mine.py:raises")
    assert ran.returncode == 1
    failures = ran.stdout.partition(" FAILURES ")[2]
    assert "mine:raises on 10x2-f64: raised: RuntimeError: red xxx" in failures
    assert not {character for character in ran.stdout if ord(character) < 32} - {"\n"}
    assert len(ran.stdout) < 10_000
    (record,) = (r for r in run_file.read(files(tmp_path)[0]).records if r.kernel == "mine:raises")
    assert len(record.reason) == 500
    assert len(files(tmp_path)[0].read_text()) < 100_000


def test_a_run_without_a_correct_kernel_is_saved(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(CHEAT)
    copy = tmp_path / "copy.json"
    ran = run(
        "--benchmark",
        "--workloads",
        "10x2",
        "--kernels",
        f"{tmp_path}/mine.py:wrong",
        f"--benchmark-json={copy}",
    )
    assert ran.returncode == 1
    assert json.loads(copy.read_text())["benchmarks"] == []
    assert "wrong" in {r.outcome for r in run_file.read(files(tmp_path)[0]).records}


def test_a_requested_kernel_must_be_available(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from dataclasses import replace\n"
        "from kernels import BackendUnavailable\n"
        "from kernels.gradient.numpy_vectorized import NUMPY_VECTORIZED as kernel\n"
        "def unavailable(array):\n    raise BackendUnavailable('no such device')\n"
        "KERNEL = replace(kernel, backend=replace(kernel.backend, asarray=unavailable))\n"
    )
    ran = run("--benchmark", "--workloads", "10x2", "--kernels", f"{tmp_path}/mine.py:KERNEL")
    assert ran.returncode == 1
    assert "unavailable: mine:KERNEL: no such device" in ran.stdout


def test_a_users_data_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("a,b,sick\n" + "1.5,2,0\n-0.5,1,1\n" * 20)
    ran = run("--benchmark", f"--data={tmp_path / 'mine.csv'}", "--target=sick", "--kernels", "numpy")
    assert ran.returncode == 0, ran.stdout
    assert "mine: 40 × 2 float64 C" in ran.stdout
    assert str(tmp_path) not in files(tmp_path)[0].read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--profile", "ful"), "no profile is called 'ful'; the nearest: full"),
        (("--kernels", "nump"), "no kernel is called 'nump'; the nearest: numpy"),
        (("--kernels", ","), "--kernels is empty"),
        (("--kernels", "math:pi"), "pi is a float"),
        (
            ("--kernels", "numba-compiled", "--workloads", "lecture"),
            "numba-compiled is a kernel of descend, and the ",
        ),
        (("--workloads", "lectur"), "no workload is called 'lectur'; the nearest: lecture"),
        (("--workloads", "5x0"), "'5x0' has no features"),
        (("--workloads", "descend:nowhere"), "no workload is called 'descend:nowhere'; the nearest: "),
        (("--workloads", "foo:lecture"), "no operation is called 'foo'; expected gradient, descend"),
        (("--workloads", "descend:lecture@steps=0"), "steps is 0; expected a whole number, 1 or more"),
        (("--workloads", "descend:lecture@pace=1"), "descend has no option 'pace'; expected steps, learning_rate"),
        (("--operation", "foo"), "no operation is called 'foo'; expected gradient or descend"),
        (
            ("--operation", "descend", "--workloads", "lectur"),
            "no workload is called 'descend:lectur'; the nearest: ",
        ),
        (("--steps", "5"), "--steps is a number of descend, and the workloads are of gradient"),
        *(
            (
                (f"--{option}={text}", "--workloads=descend:lecture"),
                f"{option.replace('-', '_')} is {text}; {expected}",
            )
            for option, expected, texts in (
                ("steps", "expected a whole number, 1 or more", ("0", "-3")),
                ("learning-rate", "expected a number above 0", ("0", "-1")),
            )
            for text in texts
        ),
        (
            ("--steps=9999999", "--workloads=descend:lecture"),
            "steps is 9999999; expected at most 524287 with 2 features",
        ),
        (
            ("--learning-rate=1e9", "--workloads=descend:lecture"),
            "learning_rate is 1e+09: it diverges, the cost rises ",
        ),
        (("--data", "nowhere.csv"), "nowhere.csv: there is no such file"),
        (("--benchmark-max-time=inf",), "--benchmark-max-time is inf"),
        (("--benchmark-max-time=0",), "--benchmark-max-time is 0"),
        (("--benchmark-json=nowhere/x.json",), "there is no folder nowhere"),
        (("--target", "sick"), "there is no --data"),
        (("--threads", "0"), "--threads is 0; expected a whole number from 1 to "),
        (("--threads", "1,many"), "--threads is 'many'; expected a whole number from 1 to "),
        (("--launches", "0"), "--launches is 0; expected a whole number from 1 to 10,000"),
        (("--timeout", "-1"), "--timeout is -1; expected a number above 0, at most 1,000,000"),
        (("--resume",), "there is no unfinished run to resume with these options"),
        (("--results=/dev/null",), "results cannot be written to"),
    ],
)
def test_a_usage_error_is_one_line(run: Run, tmp_path: Path, options: tuple[str, ...], message: str) -> None:
    ran = run("--benchmark", *options)
    assert ran.returncode == 4
    (line,) = [line for line in ran.stderr.splitlines() if line.strip()]
    assert line.startswith("ERROR: ")
    assert message in line
    assert "Traceback" not in ran.stdout + ran.stderr
    assert files(tmp_path) == []


def test_two_kernels_with_the_same_name(run: Run, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.py").write_text(CHEAT)
    ran = run("--benchmark", "--kernels", f"{tmp_path}/a/mine.py:wrong,{tmp_path}/b/mine.py:wrong")
    assert ran.returncode == 4
    assert "would both be called mine:wrong; rename one" in ran.stderr


def test_an_interrupted_run_is_saved_and_can_be_resumed(run: Run, tmp_path: Path) -> None:
    """SIGINT while a kernel sleeps on the second workload, which it does only the first time."""
    waiting = tmp_path / "waiting"
    (tmp_path / "mine.py").write_text(
        "import time\nfrom pathlib import Path\n"
        "from kernels.gradient.numpy_vectorized import gradient\n"
        f"waiting = Path({str(waiting)!r})\n"
        "def waits(X, y, w, b):\n"
        "    if len(y) == 20 and not waiting.exists():\n"
        "        waiting.touch()\n"
        "        time.sleep(1000)\n"
        "    return gradient(X, y, w, b)\n"
    )
    chosen = ("--workloads=10x2,20x3", f"--kernels=loops,{tmp_path}/mine.py:waits")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--benchmark",
        "--benchmark-max-time=0.01",
        "--launches=2",
        "--no-ceilings",
        "--no-page",
        *chosen,
    ]
    command += [f"--results={tmp_path / 'results'}"]
    # a shell ignores SIGINT for background jobs, and a child process inherits that
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(command, cwd=CHECKOUT, env=environment(), stdout=subprocess.PIPE, text=True) as running:
        until = time.monotonic() + 60
        while not waiting.exists() and time.monotonic() < until:
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        output, _ = running.communicate(timeout=60)
    assert running.returncode == 2
    assert "10x2-f64: 10 × 2" in output
    assert output.rstrip().splitlines()[-1].startswith("results: ")
    (interrupted,) = files(tmp_path)
    assert interrupted.stem.endswith("-interrupted")
    assert {r.workload for r in run_file.read(interrupted).records} == {"10x2-f64"}

    other = run("--benchmark", "--resume", "--launches=2", "--workloads=10x2", "--kernels=loops")
    assert other.returncode == 4
    assert " (another plan: {" in other.stderr
    resumed = run("--benchmark", "--resume", "--launches=2", *chosen)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    (whole,) = set(files(tmp_path)) - {interrupted}
    assert interrupted.stem == f"{whole.stem}-interrupted"
    assert [(r.workload, r.kernel, r.launches) for r in run_file.read(whole).records if r.kernel != "numpy"] == [
        ("10x2-f64", "loops", 2), ("10x2-f64", "mine:waits", 2),
        ("20x3-f64", "loops", 2), ("20x3-f64", "mine:waits", 2),
    ]  # fmt: skip
    results = run_file.read(whole)
    assert results.run["seconds"] > sum(sum(launch.values()) for race in results.races for launch in race["seconds"])
    nothing = run("--benchmark", "--resume", "--launches=2", *chosen)
    assert nothing.returncode == 4
    assert "there is no unfinished run to resume with these options" in nothing.stderr


def test_a_killed_run_of_a_profile_is_resumed(run: Run, tmp_path: Path) -> None:
    """SIGKILL once a launch is in the journal: its times are kept exactly, and it is not measured again."""
    # the profile's one thread as well as all, at 32 features
    chosen = ("--profile=full", "--workloads=64x32-f64,1024x2-f64", "--kernels=numpy")
    command = [sys.executable, "-m", "pytest", "--benchmark", "--benchmark-max-time=0.01", "--launches=2"]
    command += ["--no-ceilings", "--no-page", f"--results={tmp_path / 'results'}", *chosen]
    with subprocess.Popen(command, cwd=CHECKOUT, env=environment(), stdout=subprocess.DEVNULL) as running:
        until, journal = time.monotonic() + 60, ""
        while journal.count("\n") < 2 and time.monotonic() < until:
            time.sleep(0.01)
            journal = "".join(path.read_text() for path in (tmp_path / "results").glob("*/*.journal"))
        running.kill()
    assert files(tmp_path) == []
    launch = json.loads(journal.splitlines()[1])

    other = run("--benchmark", "--resume", "--launches=2", "--workloads=64x32-f64,1024x2-f64", "--kernels=numpy")
    assert other.returncode == 4
    assert " (another profile: full)" in other.stderr
    resumed = run("--benchmark", "--resume", "--launches=2", *chosen)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    (file,) = files(tmp_path)
    results = run_file.read(file)
    assert results.run["profile"] == "full"
    counts = list(dict.fromkeys((1, resources.usable_cores())))
    keys = [(race["workload"], race["threads"], race["launches"]) for race in results.races]
    assert sorted(keys) == sorted([("64x32-f64", threads, 2) for threads in counts] + [("1024x2-f64", counts[-1], 2)])
    race = next(r for r in results.races if (r["workload"], r["threads"]) == (launch["workload"], launch["threads"]))
    first = [rounds["seconds"] for rounds in race["rounds"] if rounds["launch"] == 0 and rounds["kernel"] == "numpy"]
    assert first == json_text.rounded([launch["samples"]["numpy"]["rounds"]])
    assert all(r.level for r in results.records) or not results.machine["hardware"]["caches"]


@pytest.mark.skipif(resources.usable_cores() < 2, reason="one core allows only one number of threads")
def test_several_numbers_of_threads(run: Run, tmp_path: Path) -> None:
    ran = run("--benchmark", "--workloads", "10x2", "--kernels", "numpy", "--threads", "1,2", "-v")
    assert ran.returncode == 0, ran.stdout
    for expected in ("[10x2-f64-numpy-1t]", "[10x2-f64-numpy-2t]", "10x2-f64: 10 × 2 float64 C, 1 thread"):
        assert expected in ran.stdout
    results = run_file.read(files(tmp_path)[0])
    assert [r.id for r in results.records] == [
        f"gradient/10x2-f64/{kernel}/{threads}" for threads in (1, 2) for kernel in ("loops", "numpy")
    ]
    assert all(r.counters and r.counters["over_used"] is False for r in results.records)
    assert [race["worker_environment"]["OMP_NUM_THREADS"] for race in results.races] == ["1", "2"]
    one = run("--benchmark", "--workloads", "10x2", "--kernels", "numpy", "--threads", "1,2", "-k", "2t")
    assert "10x2-f64, 1 thread" not in one.stdout
    assert {r.threads for r in run_file.read(files(tmp_path)[-1]).records} == {2}


def test_dash_x_ends_the_run_at_the_first_failure(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(CHEAT)
    ran = run("--benchmark", "-x", "--workloads", "10x2,20x3", "--kernels", f"{tmp_path}/mine.py:wrong,numpy")
    assert ran.returncode == 1
    assert "1 failed" in ran.stdout
    assert {r.workload for r in run_file.read(files(tmp_path)[0]).records} == {"10x2-f64"}
