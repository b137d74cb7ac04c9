"""Files that are written whole or not at all, and read only where they are regular and not too large."""

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from diagnose.errors import CannotRun, DiagnoseError, UsageError
from diagnose.files import check_folder, check_regular, check_writable, read_bytes, read_text, write_whole


def device(path, minor):
    """Make a node of our own that acts as /dev/null (3), /dev/zero (5) or /dev/full (7)."""
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, minor))
        os.close(os.open(path, os.O_RDWR))
    except PermissionError:
        pytest.skip("no device can be made here")
    return path


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


# ---------------------------------------------------------------------------------------------- writing


def test_a_new_file_gets_the_mode_of_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "new", b"text")
    finally:
        os.umask(before)
    assert mode_of(tmp_path / "new") == 0o640


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o755])
def test_the_mode_of_an_old_file_is_kept(tmp_path, mode):
    path = tmp_path / "old"
    path.write_bytes(b"old")
    path.chmod(mode)
    write_whole(path, b"new")
    assert (path.read_bytes(), mode_of(path)) == (b"new", mode)


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone may give a file away")
def test_root_leaves_a_file_to_its_owner(tmp_path):
    path = tmp_path / "old"
    path.write_bytes(b"old")
    os.chown(path, 12345, 23456)
    write_whole(path, b"new")
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 23456)


def test_a_link_stays_and_what_it_points_at_is_replaced(tmp_path):
    (tmp_path / "far").mkdir()
    target, link, again = tmp_path / "far" / "target", tmp_path / "link", tmp_path / "again"
    target.write_bytes(b"old")
    link.symlink_to("far/target")
    again.symlink_to(link)
    write_whole(again, b"new")
    assert link.is_symlink()
    assert again.is_symlink()
    assert target.read_bytes() == b"new"
    assert not target.is_symlink()


def test_a_pipe_is_written_through(tmp_path):
    pipe, got = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    check_writable(pipe)
    write_whole(pipe, b"text")
    reader.join(10)
    assert got == [b"text"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_device_is_written_through_and_stays_one(tmp_path):
    null = device(tmp_path / "null", 3)
    write_whole(null, b"text")
    assert stat.S_ISCHR(null.stat().st_mode)
    assert [path.name for path in tmp_path.iterdir()] == ["null"]


def test_a_full_device_is_told_and_stays_one(tmp_path):
    full = device(tmp_path / "full", 7)
    link = tmp_path / "link"
    link.symlink_to(full)
    with pytest.raises(DiagnoseError, match="No space left") as caught:
        write_whole(link, b"text")
    assert isinstance(caught.value, CannotRun)
    assert stat.S_ISCHR(full.stat().st_mode)


def test_an_open_file_behind_a_link_of_proc_is_added_to(tmp_path):
    path = tmp_path / "open"
    with path.open("ab") as file:
        file.write(b"before, ")
        file.flush()
        write_whole(Path(f"/proc/self/fd/{file.fileno()}"), b"text")
        file.write(b", after")
    assert path.read_bytes() == b"before, text, after"


def test_a_disk_that_fills_up_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "old"
    path.write_bytes(b"old")
    code = (
        "import resource, sys\nfrom pathlib import Path\nfrom diagnose.files import write_whole\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "write_whole(Path(sys.argv[1]), b'x' * 100_000)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=False)
    assert "CannotRun: cannot write" in done.stderr
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["old"]


@pytest.mark.parametrize("name", ["weights.pt", "weights.safetensors"])
def test_a_checkpoint_that_fills_the_disk_leaves_the_old_one_and_nothing_else(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"old")
    code = (
        "import resource, sys, torch\nfrom pathlib import Path\n"
        "from diagnose.diff.weights.checkpoint_file import save\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "save({'weight': torch.zeros(100_000)}, Path(sys.argv[1]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-2].endswith(f"cannot write {path}: File too large")  # the hint stands below it
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("write", [check_writable, lambda path: write_whole(path, b"")], ids=["early", "late"])
@pytest.mark.parametrize("name", [".", "", "held", "none/file", "dangling", "loop", "x" * 300, "a\0b", "file/below"])
def test_a_path_that_cannot_be_written_is_refused_and_nothing_is_made(tmp_path, monkeypatch, write, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "held").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(DiagnoseError, match="cannot write") as caught:
        write(Path(name))
    assert isinstance(caught.value, UsageError)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["file", "file/below", "dangling", "loop", "loop/below", "x" * 300])
def test_a_folder_that_cannot_be_made_is_refused(tmp_path, name):
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "none").mkdir()
    with pytest.raises(DiagnoseError, match="cannot write"):
        check_folder(tmp_path / name)
    check_folder(tmp_path / "new" / "one")
    assert not (tmp_path / "new").exists()


def test_a_folder_that_forbids_writing_is_told_early_as_the_systems_refusal(tmp_path):
    """Run as somebody who is not root, whom no folder forbids anything."""
    tmp_path.chmod(0o555)
    child = os.fork()
    if child == 0:
        refused = False
        try:
            if os.geteuid() == 0:
                os.seteuid(54321)
            check_writable(tmp_path / "file")
        except CannotRun:
            refused = True
        finally:
            os._exit(0 if refused else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    tmp_path.chmod(0o755)


# ---------------------------------------------------------------------------------------------- reading


def test_what_is_no_regular_file_is_never_opened_or_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(device(tmp_path / "zero", 5))
    (tmp_path / "folder").mkdir()
    for name, kind in (("pipe", "a named pipe"), ("link", "a device"), ("zero", "a device"), ("folder", "a folder")):
        for read in (check_regular, lambda path, what: read_text(path, what, most=10)):
            with pytest.raises(DiagnoseError, match=f"it is {kind}") as caught:
                read(tmp_path / name, "case")
            assert isinstance(caught.value, UsageError)


@pytest.mark.parametrize("name", ["none", "loop", "x" * 300, "a\0b"])
def test_what_is_not_there_is_told(tmp_path, name):
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(DiagnoseError, match="cannot read the case") as caught:
        read_text(tmp_path / name, "case", most=10)
    assert isinstance(caught.value, UsageError)


def test_a_file_of_just_the_limit_is_read_and_one_byte_more_is_not(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    assert read_bytes(path, "case", most=10) == b"0123456789"
    path.write_bytes(b"0123456789.")
    with pytest.raises(DiagnoseError, match="longer than 10 bytes"):
        read_bytes(path, "case", most=10)


def test_a_file_that_tells_no_size_is_not_read_beyond_the_limit():
    with pytest.raises(DiagnoseError, match="longer than 10 bytes"):
        read_bytes(Path("/proc/self/status"), "case", most=10)


def test_text_is_utf8_with_plain_ends_of_lines(tmp_path):
    (tmp_path / "text").write_bytes("é\r\n".encode())
    assert read_text(tmp_path / "text", "case", most=10) == "é\n"
    (tmp_path / "text").write_bytes(b"\xff")
    with pytest.raises(DiagnoseError, match="not UTF-8"):
        read_text(tmp_path / "text", "case", most=10)
