#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""Writes test/pgtap/include/hardware_key.sql: what two hardware keys of example.org answer.

    test/data/webauthn/make_answers.py > test/pgtap/include/hardware_key.sql

The keys sign with Ed25519, whose signatures are the same each time. Challenges are "challenge N" padded to
32 bytes; tests put them in place of random ones. Needs python3-cryptography.
"""
import base64
import hashlib
import json

from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

USER = bytes.fromhex("0190a1b2c3d47e5f8a9b0c1d2e3f4a5b")


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def challenge(number):
    return f"challenge {number}".encode().ljust(32, b".")


class Key:
    def __init__(self, seed):
        self.private = ed25519.Ed25519PrivateKey.from_private_bytes(hashlib.sha256(seed).digest())
        self.id = b"credential " + seed

    def data(self, flags, counter, rp="example.org", rest=b""):
        return hashlib.sha256(rp.encode()).digest() + bytes([flags]) + counter.to_bytes(4, "big") + rest

    def client(self, kind, number, origin):
        return json.dumps(
            {"type": kind, "challenge": b64(challenge(number)), "origin": origin, "crossOrigin": False},
            separators=(",", ":"),
        ).encode()

    def answer(self, response):
        return json.dumps(
            {"id": b64(self.id), "rawId": b64(self.id), "type": "public-key", "response": response,
             "authenticatorAttachment": "cross-platform", "clientExtensionResults": {}},
            separators=(",", ":"),
        )

    def create(self, number, origin="https://example.org", flags=0x01, counter=0):
        public = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        cose = bytes.fromhex("a4010103272006215820") + public
        data = self.data(0x40 | flags, counter,
                         rest=bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cose)
        client = self.client("webauthn.create", number, origin)
        signature = self.private.sign(data + hashlib.sha256(client).digest())
        statement = bytes.fromhex("a263616c672763736967") + b"\x58\x40" + signature
        object = (bytes.fromhex("a363666d74667061636b65646761747453746d74") + statement
                  + bytes.fromhex("68617574684461746158") + bytes([len(data)]) + data)
        return self.answer({"clientDataJSON": b64(client), "attestationObject": b64(object),
                            "transports": ["usb", "nfc"]})

    def get(self, number, counter, origin="https://example.org", flags=0x01, rp="example.org", user=USER):
        data = self.data(flags, counter, rp)
        client = self.client("webauthn.get", number, origin)
        response = {"clientDataJSON": b64(client), "authenticatorData": b64(data),
                    "signature": b64(self.private.sign(data + hashlib.sha256(client).digest()))}
        if user is not None:
            response["userHandle"] = b64(user)
        return self.answer(response)


first, second = Key(b"one"), Key(b"two")
answers = {
    "create": first.create(1, counter=4),
    "create_elsewhere": first.create(1, origin="https://evil.example"),
    "create_second": second.create(2),
    "get_five": first.get(1, 5),
    "get_six": first.get(2, 6, user=None),
    "get_four": first.get(3, 4),
    "get_nine": first.get(4, 9, flags=0x05),
    "get_elsewhere": first.get(1, 7, origin="https://evil.example"),
    "get_other_domain": first.get(1, 7, rp="evil.example"),
    "get_absent": first.get(1, 7, flags=0x00),
    "get_other_user": first.get(1, 7, user=bytes(16)),
    "get_backup": first.get(1, 7, flags=0x09),
    "get_second": second.get(1, 0),
}
print("-- Made by test/data/webauthn/make_answers.py. The user's id is in the answers.")
print("\\set key_user 0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b")
for name, text in answers.items():
    print(f"\\set {name} '{text}'")
