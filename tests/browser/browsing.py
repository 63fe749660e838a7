"""JupyterLab and Voilà on a free port, and a real browser that looks at them."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import ConsoleMessage, Page, sync_playwright

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
READY = """() => {
  const context = window.jupyterapp?.shell?.currentWidget?.sessionContext;
  return !!context && context.isReady && context.session?.kernel?.status === "idle";
}"""


def copy_notebook(folder: Path, root: Path, name: str = "00_explore.ipynb") -> Path:
    """Copy the explorer's notebook, with its one parameter edited."""
    notebook = json.loads((ROOT / "notebooks" / "00_explore.ipynb").read_text("utf-8"))
    cell = next(c for c in notebook["cells"] if "parameters" in c["metadata"].get("tags", ()))
    cell["source"] = "".join(cell["source"]).replace('root: str = ""', f"root: str = {json.dumps(str(root))}", 1)
    target = folder / name
    target.write_text(json.dumps(notebook), "utf-8")
    return target


@contextmanager
def serve(home: Path, *command: str, ready: str) -> Iterator[str]:
    """Run a Jupyter server with settings of its own; yield its address without the token, and stop it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = home / "config" / "labconfig"
    config.mkdir(parents=True, exist_ok=True)
    # JupyterLab would ask whether it may fetch news.
    news = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
    (config / "page_config.json").write_text(json.dumps(news))
    own = {name: str(home / name.lower()) for name in ("JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")}
    own |= {"HOME": str(home), "JUPYTER_CONFIG_DIR": str(home / "config"), "PYTHONPATH": str(ROOT)}
    cache = {"XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(home / "cache"))}
    log = (home / "server.log").open("w")
    server = subprocess.Popen(
        [sys.executable, "-m", *command, f"--port={port}"], cwd=home, stdout=log, stderr=log, start_new_session=True,
        env=os.environ | own | cache,
    )  # fmt: skip
    try:
        yield _wait(f"http://127.0.0.1:{port}", ready, server, home / "server.log")
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()
        log.close()


def _wait(url: str, ready: str, server: subprocess.Popen[bytes], log: Path) -> str:
    for _ in range(300):
        if server.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url + ready, timeout=5):
                return url
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"The server did not start:\n{log.read_text()[-2000:]}")


@contextmanager
def lab(home: Path, folder: Path) -> Iterator[str]:
    """Run JupyterLab on `folder`; yield the address of its documents with a ``{}`` for their path."""
    token = secrets.token_hex(16)
    options = ["--no-browser", "--allow-root", "--ip=127.0.0.1", "--ServerApp.port_retries=0"]
    options += [f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}"]
    options += ["--LabApp.expose_app_in_browser=True", "--LabApp.extension_manager=readonly"]
    options += ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    with serve(home, "jupyterlab", *options, ready=f"/api/status?token={token}") as url:
        yield f"{url}/doc/tree/{{}}?token={token}&reset"


@contextmanager
def voila(home: Path, notebook: Path) -> Iterator[str]:
    """Serve a notebook as a page of its own, with the settings of `make app`; yield its address."""
    shutil.copy(ROOT / "notebooks" / "voila.json", home)
    token = secrets.token_hex(16)
    options = [str(notebook), "--no-browser", f"--token={token}"]
    with serve(home, "voila", *options, ready=f"/voila/static/voila.js?token={token}") as url:
        yield f"{url}/?token={token}"


@contextmanager
def browser() -> Iterator[Page]:
    """Open a page that keeps what goes wrong in it: errors of scripts and in the console, dialogs, foreign requests."""
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = chromium.new_page(viewport={"width": 1280, "height": 2600})
        page.set_default_timeout(90_000)  # a busy machine is no fault
        wrong = page.wrong = []  # type: ignore[attr-defined]
        page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        page.on("console", lambda said: _is_error(said) and wrong.append(f"console: {said.text}"))
        page.on("dialog", lambda one: (wrong.append(f"dialog: {one.message}"), one.dismiss()))
        page.on("request", lambda one: _local(one.url) or wrong.append(f"request: {one.url}"))
        # What the page's own policy refuses never leaves the browser.
        page.on("requestfailed", lambda one: one.failure == "csp" and wrong.remove(f"request: {one.url}"))
        yield page
        chromium.close()


def _is_error(said: ConsoleMessage) -> bool:
    """Tell whether a page's message is an error; what its own policy refuses, such as a foreign font, is none."""
    return said.type == "error" and "Content Security Policy" not in said.text


def _local(url: str) -> bool:
    return url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:", "file:", "chrome-extension:"))


def open_notebook(page: Page, address: str, name: str = "00_explore.ipynb") -> None:
    """Open a notebook and wait until its kernel is ready; what the page shows before does not tell."""
    page.goto(address.format(name))
    page.wait_for_function(READY)


def run_all(page: Page) -> float:
    """Run all cells; return the seconds until the Explorer's first numbers were there."""
    start = time.perf_counter()
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); return 1 }")
    page.locator(".dbtools-explorer .dbtools-counts").first.wait_for()
    return time.perf_counter() - start


def timed(page: Page, act: Callable[[], object]) -> tuple[float, float]:
    """Change something; return the seconds until the page first showed anything new, and until all was there.

    Where nothing looks different afterwards, both are the seconds until nothing was under way.
    """
    page.evaluate(
        """() => {
          const seen = window.dbtoolsSeen = { first: null, start: performance.now() };
          const told = () => {
            seen.first ??= performance.now();
            seen.last = performance.now();
          };
          seen.watch = new MutationObserver((changes) => {
            if (changes.some((c) => c.target.closest?.(".widget-html-content, .dbtools-grid")
                && !c.target.closest(".dbtools-worker"))) told();
          });
          seen.watch.observe(document.querySelector(".dbtools-explorer"), { childList: true, subtree: true });
        }"""
    )
    start = page.evaluate("window.dbtoolsSeen.start = performance.now()")
    act()
    settle(page)
    first, last = page.evaluate(
        "(({ watch, first, last }) => (watch.disconnect(), [first ?? performance.now(), last ?? performance.now()]))"
        "(window.dbtoolsSeen)"
    )
    return (first - start) / 1000, (last - start) / 1000


def execute(page: Page, code: str) -> str:
    """Run a line in the notebook's kernel and return what it printed."""
    return page.evaluate(
        """async (code) => {
          const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
          let text = "";
          const future = kernel.requestExecute({ code, silent: false, store_history: false });
          future.onIOPub = (m) => { text += m.content.text ?? (m.content.traceback ?? []).join("\\n") };
          await future.done;
          return text;
        }""",
        code,
    )


def open_tab(page: Page, title: str) -> None:
    """Open a tab of the Explorer, and wait until it is up to date."""
    tab = page.locator(".dbtools-tabs button", has_text=title).first
    tab.click()
    page.wait_for_function("(tab) => tab.getAttribute('aria-selected') === 'true'", arg=tab.element_handle())
    settle(page)


def settle(page: Page) -> None:
    """Wait until nothing is under way in the kernel or beside it."""
    page.wait_for_timeout(200)  # a widget that waits for an answer keeps its next message back
    if page.evaluate("!!window.jupyterapp?.shell?.currentWidget?.sessionContext"):
        assert execute(page, "print(explorer.wait(90))").strip() == "True"
        page.wait_for_timeout(150)  # what the kernel has said last is on its way to the page
    else:  # Voilà lets nobody ask the kernel
        page.wait_for_timeout(300)
    page.wait_for_function("document.querySelectorAll('.dbtools-working').length === 0")
    page.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")


def set_theme(page: Page, name: str) -> None:
    """Give JupyterLab one of its themes, if it has another."""
    if page.evaluate("document.body.dataset.jpThemeLight") == str("Dark" not in name).lower():
        return
    page.evaluate("(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", name)
    page.wait_for_function("(dark) => document.body.dataset.jpThemeLight === String(!dark)", arg="Dark" in name)
    page.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
