"""An S3 of the tests' own, in this process: moto's server, with one bucket and a key that opens it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
import httpx
from moto.server import ThreadedMotoServer

KEY, SECRET = "AKIDTESTKEY", "s3cr3t/Key+of=tests"


@dataclass(frozen=True)
class ObjectServer:
    """A running server.

    Attributes:
        endpoint: Its address.
        bucket: Its bucket.
    """

    endpoint: str
    bucket: str = "exports"

    @property
    def client(self) -> Any:
        """A client of the owner."""
        return boto3.client("s3", endpoint_url=self.endpoint, aws_access_key_id=KEY, aws_secret_access_key=SECRET, region_name="eu-west-3")

    def put(self, key: str, data: bytes) -> None:
        self.client.put_object(Bucket=self.bucket, Key=key, Body=data)

    def address(self, path: str, *, scheme: str = "s3") -> str:
        """The address of a path; the key is in the environment."""
        return f"{scheme}://{self.bucket}/{path}?endpoint={self.endpoint}&region=eu-west-3"


@contextmanager
def running() -> Iterator[ObjectServer]:
    """A server for the time of the block."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        found = ObjectServer(f"http://{host}:{port}")
        httpx.post(f"{found.endpoint}/moto-api/reset")  # what an earlier server of this process held
        found.client.create_bucket(Bucket=found.bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-3"})
        yield found
    finally:
        server.stop()
