"""Sends a message to a webhook as JSON: as Slack and Mattermost take it, as a card of Teams, or whole for programs."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from http.client import HTTPException, HTTPMessage
from typing import IO, Any

from iceberg.errors import NotifyError
from iceberg.notify.digest import Digest
from iceberg.notify.targets import Recipient
from iceberg.version import __version__

SECONDS = 20.0  # judgement: as for mail


def send_webhook(digest: Digest, target: Recipient, *, key: str) -> None:
    """Post the digest. A redirection is not followed: what is secret in the address would go elsewhere.

    Args:
        digest: What it says.
        target: Where it goes.
        key: Names the message, in the header ``Idempotency-Key``.

    Raises:
        NotifyError: ``webhook_unreachable``, ``webhook_not_trusted``, ``webhook_moved`` or ``webhook_refused``.
    """
    body = json.dumps(build_body(digest, target, key=key), ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": f"iceberg/{__version__}", "Idempotency-Key": key}
    request = urllib.request.Request(target.address, data=body, headers=headers, method="POST")  # noqa: S310  # read_target takes http and https alone
    opener = urllib.request.build_opener(_Staying, urllib.request.HTTPSHandler(context=ssl.create_default_context()))
    place = {"target": target.name}
    try:
        with opener.open(request, timeout=SECONDS):
            return
    except urllib.error.HTTPError as problem:
        problem.close()
        moved = 300 <= problem.code < 400
        raise NotifyError("webhook_moved" if moved else "webhook_refused", place | {"code": str(problem.code)}) from None
    except urllib.error.URLError as problem:
        if isinstance(problem.reason, ssl.SSLCertVerificationError):
            raise NotifyError("webhook_not_trusted", place) from None
        raise NotifyError("webhook_unreachable", place | {"reason": type(problem.reason).__name__}) from None
    except (OSError, HTTPException) as problem:
        raise NotifyError("webhook_unreachable", place | {"reason": type(problem).__name__}) from None


def build_body(digest: Digest, target: Recipient, *, key: str) -> dict[str, Any]:
    """The body of a target's kind. Text of the files is text in each of them: no link, no mention, no formatting."""
    if target.kind == "slack":
        text = _escape(digest.text).replace(_escape(digest.link), f"<{_escape(digest.link)}>")
        return {"text": text, "mrkdwn": False, "parse": "none", "link_names": False, "unfurl_links": False}
    if target.kind == "teams":
        return _card(digest)
    return digest.document | {"id": key}


def _escape(text: str) -> str:
    """As Slack wants it; else a category called <!channel> would call everybody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _card(digest: Digest) -> dict[str, Any]:
    """A card of Teams (Adaptive Card in a message). Runs of a RichTextBlock, unlike a TextBlock, know no Markdown."""

    def block(text: str, **style: object) -> dict[str, Any]:
        return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **style}]}

    body = [block(digest.subject, weight="Bolder", size="Medium"), *(block(paragraph) for paragraph in digest.paragraphs)]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
        "actions": [{"type": "Action.OpenUrl", "title": digest.link_label, "url": digest.link}],
    }
    return {"type": "message", "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}]}


class _Staying(urllib.request.HTTPRedirectHandler):
    """Follows no redirection: it becomes the error that it is."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """None says that the redirection is not followed."""
