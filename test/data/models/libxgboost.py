# SPDX-License-Identifier: PostgreSQL
"""XGBoost through its C library (Debian: libxgboost0). Debian's Python package python3-xgboost needs
the default Boost headers, which cannot be installed beside the libboost1.81-dev that pg_saas is built
with; the library is the same."""
import ctypes
import json
import math

_FLOATS = ctypes.POINTER(ctypes.c_float)


class Library:
    def __init__(self, name="libxgboost.so.0"):
        self.lib = ctypes.CDLL(name)
        self.lib.XGBGetLastError.restype = ctypes.c_char_p

    def __getattr__(self, name):
        function = getattr(self.lib, name)

        def call(*arguments):
            if function(*arguments) != 0:
                raise RuntimeError(self.lib.XGBGetLastError().decode())

        return call

    def version(self):
        parts = [ctypes.c_int() for _ in range(3)]
        self.lib.XGBoostVersion(*[ctypes.byref(p) for p in parts])
        return ".".join(str(p.value) for p in parts)


_library = None


def library():
    global _library
    if _library is None:
        _library = Library()
    return _library


def _strings(words):
    return (ctypes.c_char_p * len(words))(*[w.encode() for w in words])


class Matrix:
    """Rows of numbers; None is missing. types: 'q' for a number, 'c' for a category code."""

    def __init__(self, rows, labels=None, types=None):
        self.rows = len(rows)
        columns = len(rows[0])
        flat = [math.nan if v is None else float(v) for row in rows for v in row]
        self.handle = ctypes.c_void_p()
        data = (ctypes.c_float * len(flat))(*flat)
        library().XGDMatrixCreateFromMat(
            data, ctypes.c_uint64(self.rows), ctypes.c_uint64(columns), ctypes.c_float(math.nan),
            ctypes.byref(self.handle))
        if labels is not None:
            values = (ctypes.c_float * len(labels))(*[float(v) for v in labels])
            library().XGDMatrixSetFloatInfo(
                self.handle, b"label", values, ctypes.c_uint64(len(labels)))
        if types is not None:
            library().XGDMatrixSetStrFeatureInfo(
                self.handle, b"feature_type", _strings(types), ctypes.c_uint64(len(types)))

    def __del__(self):
        library().XGDMatrixFree(self.handle)


class Booster:
    def __init__(self, parameters, matrix, rounds, names=None, types=None, best=None):
        self.handle = ctypes.c_void_p()
        matrices = (ctypes.c_void_p * 1)(matrix.handle)
        library().XGBoosterCreate(matrices, ctypes.c_uint64(1), ctypes.byref(self.handle))
        for key, value in parameters.items():
            library().XGBoosterSetParam(self.handle, key.encode(), str(value).encode())
        for i in range(rounds):
            library().XGBoosterUpdateOneIter(self.handle, ctypes.c_int(i), matrix.handle)
        for field, words in ((b"feature_name", names), (b"feature_type", types)):
            if words is not None:
                library().XGBoosterSetStrFeatureInfo(
                    self.handle, field, _strings(words), ctypes.c_uint64(len(words)))
        if best is not None:
            library().XGBoosterSetAttr(self.handle, b"best_iteration", str(best).encode())

    def __del__(self):
        library().XGBoosterFree(self.handle)

    def save(self, path):
        library().XGBoosterSaveModel(self.handle, str(path).encode())

    def _predict(self, matrix, kind, iterations):
        config = json.dumps({"type": kind, "training": False, "iteration_begin": 0,
                             "iteration_end": iterations, "strict_shape": False}).encode()
        shape = ctypes.POINTER(ctypes.c_uint64)()
        dimensions = ctypes.c_uint64()
        result = _FLOATS()
        library().XGBoosterPredictFromDMatrix(
            self.handle, matrix.handle, config, ctypes.byref(shape), ctypes.byref(dimensions),
            ctypes.byref(result))
        size = 1
        for i in range(dimensions.value):
            size *= shape[i]
        return result[:size]

    def margins(self, matrix, iterations=0):
        return self._predict(matrix, 1, iterations)

    def contributions(self, matrix, iterations=0):
        """For each row the contribution of each feature, then the base value."""
        flat = self._predict(matrix, 2, iterations)
        width = len(flat) // matrix.rows
        return [flat[i * width:(i + 1) * width] for i in range(matrix.rows)]
