"""The dashboard behind a real nginx, with the location block of docs/nginx.conf: sub-path, websocket, upload limit.

python -m benchmarks.proxy        needs Debian's nginx and Chromium
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
BACK, FRONT = 8681, 8682
LARGE_MB = 3  # nginx refuses more than 1 MB unless told otherwise


def configuration(folder: Path, *, back: int = BACK, front: int = FRONT) -> str:
    """The location blocks of the documentation, around them what a server of this test needs."""
    written = (ROOT / "docs" / "nginx.conf").read_text()
    blocks = re.findall(r"    location /iceberg/\S* \{.*?\n    \}\n", written, flags=re.DOTALL)
    kept = re.search(r"^proxy_cache_path .*;$", written, flags=re.MULTILINE)
    if len(blocks) != 2 or kept is None:
        raise RuntimeError("docs/nginx.conf has not the blocks for /iceberg/ and /iceberg/static/")
    locations = "".join(blocks).replace("127.0.0.1:8501", f"127.0.0.1:{back}")
    return (
        f"daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; user root;\n"
        "events {}\n"
        f"http {{ access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;\n"
        f"  {kept.group(0).replace('/var/cache/nginx', str(folder))}\n"
        f"  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;\n"
        f"  server {{ listen 127.0.0.1:{front};\n{locations}  }}\n}}\n"
    )


def wait_for(url: str) -> None:
    for _ in range(300):
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"no answer at {url}")


def visit() -> None:
    """The page through the proxy: drawn over the websocket, a slider moved, a file of several MB taken in."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        sockets: list[str] = []
        page.on("websocket", lambda one: sockets.append(one.url))
        page.goto(f"http://localhost:{FRONT}/iceberg/")
        expect(page.get_by_role("heading", name=re.compile(r"^[\d,]+ customers complained"))).to_be_visible(timeout=90_000)
        assert any("/iceberg/_stcore/stream" in url for url in sockets), "the page came without its websocket"
        print("sub-path and websocket: the iceberg is on screen")
        page.goto(f"http://localhost:{FRONT}/iceberg/upload")
        rows = "".join(f"c{number:07d},2024-01-01,\n" for number in range(LARGE_MB * 1_000_000 // 21))
        content = f"customer_id,start_date,end_date\n{rows}".encode()
        field = page.locator("[data-testid=stFileUploaderDropzoneInput]").first
        field.set_input_files({"name": "customers.csv", "mimeType": "text/csv", "buffer": content})
        expect(page.get_by_role("button", name="Remove customers.csv")).to_be_visible(timeout=60_000)
        expect(page.get_by_text("413")).to_have_count(0)
        print(f"upload limit: a file of {len(content) / 1e6:.1f} MB was taken in")
        browser.close()


def main() -> None:
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    if not Path(nginx).exists():
        sys.exit("nginx is missing. Run: apt-get install nginx")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "nginx.conf").write_text(configuration(folder))
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(BACK), "--server.address", "127.0.0.1"]
        command += ["--server.headless", "true", "--server.baseUrlPath", "iceberg"]
        environment = os.environ | {"ICEBERG_STORE": str(folder / "store.db")}
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        proxy = subprocess.Popen([nginx, "-c", str(folder / "nginx.conf"), "-p", str(folder)])
        try:
            wait_for(f"http://127.0.0.1:{BACK}/iceberg/_stcore/health")
            wait_for(f"http://127.0.0.1:{FRONT}/iceberg/_stcore/health")
            visit()
        finally:
            proxy.terminate()
            server.terminate()
            proxy.wait(timeout=20)
            server.wait(timeout=20)


if __name__ == "__main__":
    main()
