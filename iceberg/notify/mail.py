"""Sends a message as mail, over a connection that is encrypted and whose server has proved its name."""

from __future__ import annotations

import smtplib
import ssl
from base64 import b64encode
from email.message import EmailMessage
from email.utils import formatdate

from iceberg.errors import NotifyError
from iceberg.notify.digest import Digest
from iceberg.notify.targets import MailServer, Recipient

SECONDS = 20.0  # judgement: for each answer of a server; a scheduler waits no longer for one that is gone


def send_mail(digest: Digest, target: Recipient, server: MailServer, *, key: str) -> None:
    """Send the digest to one person.

    Args:
        digest: What it says.
        target: The person.
        server: That takes it.
        key: Names the message: two with one key are one for a mail program.

    Raises:
        NotifyError: ``smtp_unreachable``, ``smtp_not_trusted``, ``smtp_no_tls``, ``smtp_login`` or ``smtp_refused``.
    """
    place = {"host": server.host, "port": str(server.port)}
    message = build_mail(digest, target, server, key=key)
    try:
        with _connect(server) as connection:
            if server.user:
                _log_in(connection, server)
            connection.send_message(message)
    except ssl.SSLCertVerificationError as problem:
        raise NotifyError("smtp_not_trusted", place) from problem
    except smtplib.SMTPNotSupportedError as problem:
        raise NotifyError("smtp_no_tls", place) from problem
    except smtplib.SMTPAuthenticationError as problem:
        raise NotifyError("smtp_login", place | {"user": server.user}) from problem
    except smtplib.SMTPRecipientsRefused as problem:
        raise NotifyError("smtp_refused", place | {"code": str(next(iter(problem.recipients.values()))[0])}) from problem
    except smtplib.SMTPResponseException as problem:
        raise NotifyError("smtp_refused", place | {"code": str(problem.smtp_code)}) from problem
    except (OSError, smtplib.SMTPException) as problem:
        raise NotifyError("smtp_unreachable", place | {"reason": type(problem).__name__}) from problem


def build_mail(digest: Digest, target: Recipient, server: MailServer, *, key: str) -> EmailMessage:
    """The mail as plain text: names of categories cannot be markup in it."""
    message = EmailMessage()
    message["Subject"] = " ".join(digest.subject.split())
    message["From"] = server.sender
    message["To"] = target.address
    message["Date"] = formatdate(localtime=False)
    message["Message-ID"] = f"<iceberg-{key}@{server.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no absence note comes back
    message["Content-Language"] = digest.language
    message.set_content(digest.text)
    return message


def _log_in(connection: smtplib.SMTP, server: MailServer) -> None:
    if f"{server.user}{server.password}".isascii():
        connection.login(server.user, server.password)
        return
    connection.ehlo_or_helo_if_needed()  # the library's login takes ASCII alone; RFC 4616 says UTF-8
    code, answer = connection.docmd("AUTH", "PLAIN " + b64encode(f"\0{server.user}\0{server.password}".encode()).decode())
    if code != 235:
        raise smtplib.SMTPAuthenticationError(code, answer)


def _connect(server: MailServer) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if server.tls == "whole":
        return smtplib.SMTP_SSL(server.host, server.port, timeout=SECONDS, context=context)
    connection = smtplib.SMTP(server.host, server.port, timeout=SECONDS)
    if server.tls == "start":
        try:
            connection.starttls(context=context)
        except BaseException:
            connection.close()
            raise
    return connection
