// SPDX-License-Identifier: PostgreSQL
// One row after another, by this library and by libxgboost: predict <folder> <trees>…
// Prints "engine trees pass nanoseconds" lines. Ends with an error when two margins differ.
#include "core/fraud/model/model.hpp"

#include <bit>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <dlfcn.h>

namespace fraud = saas::core::fraud;

namespace {

// The C interface of libxgboost, as far as it is used; the library's headers are not needed.
struct xgboost {
    using handle = void *;
    int (*create)(const handle[], std::uint64_t, handle *);
    int (*load)(handle, const char *);
    int (*set)(handle, const char *, const char *);
    int (*predict)(handle, const char *, const char *, handle, const std::uint64_t **,
                   std::uint64_t *, const float **);
    int (*matrix)(const float *, std::uint64_t, std::uint64_t, float, handle *);
    int (*predict_matrix)(handle, handle, const char *, const std::uint64_t **, std::uint64_t *,
                          const float **);
};

void *library() {
    void *found = dlopen("libxgboost.so.0", RTLD_NOW);
    if (found == nullptr) {
        std::fprintf(stderr, "libxgboost0 is not installed\n");
        std::exit(1);
    }
    return found;
}

xgboost load_library() {
    void *from = library();
    xgboost out{};
    auto find = [&](auto &function, const char *name) {
        function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(from, name));
        if (function == nullptr)
            std::exit(1);
    };
    find(out.create, "XGBoosterCreate");
    find(out.load, "XGBoosterLoadModel");
    find(out.set, "XGBoosterSetParam");
    find(out.predict, "XGBoosterPredictFromDense");
    find(out.matrix, "XGDMatrixCreateFromMat");
    find(out.predict_matrix, "XGBoosterPredictFromDMatrix");
    return out;
}

void check(int status) {
    if (status != 0) {
        std::fprintf(stderr, "libxgboost refused\n");
        std::exit(1);
    }
}

std::string file(const std::string &name) {
    std::ifstream in{name, std::ios::binary};
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

struct rows {
    std::vector<std::vector<double>> doubles;
    std::vector<std::vector<float>> floats;
};

rows read_rows(const std::string &name) {
    rows out;
    std::istringstream in{file(name)};
    for (std::string line; std::getline(in, line);) {
        std::istringstream words{line};
        out.doubles.emplace_back();
        out.floats.emplace_back();
        for (std::string word; words >> word;) {
            out.doubles.back().push_back(std::strtod(word.c_str(), nullptr));
            out.floats.back().push_back(static_cast<float>(out.doubles.back().back()));
        }
    }
    return out;
}

template <class Body>
double nanoseconds(std::size_t count, Body body) {
    auto begin = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < count; ++i)
        body(i);
    std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begin;
    return took.count() / static_cast<double>(count);
}

const char *k_config = R"({"type":1,"training":false,"iteration_begin":0,"iteration_end":0,)"
                       R"("strict_shape":false,"cache_id":0,"missing":NaN})";

class reference {
public:
    reference(const xgboost &api, const std::string &model, const rows &data) : api_{api} {
        check(api_.create(nullptr, 0, &booster_));
        check(api_.set(booster_, "nthread", "1"));
        check(api_.load(booster_, model.c_str()));
        for (const std::vector<float> &row : data.floats) {
            interfaces_.push_back("{\"data\":[" +
                                  std::to_string(reinterpret_cast<std::uintptr_t>(row.data())) +
                                  ",true],\"shape\":[1," + std::to_string(row.size()) +
                                  "],\"typestr\":\"<f4\",\"version\":3}");
            matrices_.emplace_back();
            check(api_.matrix(row.data(), 1, row.size(), __builtin_nanf(""), &matrices_.back()));
        }
    }
    float in_place(std::size_t row) {
        check(api_.predict(booster_, interfaces_[row].c_str(), k_config, nullptr, &shape_, &size_,
                           &out_));
        return *out_;
    }
    float from_matrix(std::size_t row, const char *config = k_config) {
        check(api_.predict_matrix(booster_, matrices_[row], config, &shape_, &size_, &out_));
        return *out_;
    }

private:
    const xgboost &api_;
    xgboost::handle booster_ = nullptr;
    std::vector<std::string> interfaces_;
    std::vector<xgboost::handle> matrices_;
    const std::uint64_t *shape_ = nullptr;
    std::uint64_t size_ = 0;
    const float *out_ = nullptr;
};

void measure(const xgboost &api, const std::string &folder, const std::string &trees) {
    rows data = read_rows(folder + "/rows.tsv");
    std::string name = folder + "/model_" + trees + ".json";
    fraud::model model = fraud::read_model(fraud::model_format::xgboost_json, file(name));
    fraud::model_memory memory;
    reference theirs{api, name, data};
    std::size_t count = data.doubles.size();
    for (std::size_t i = 0; i < count; ++i) {
        auto ours = static_cast<float>(model.score(data.doubles[i], memory).margin);
        if (std::bit_cast<std::uint32_t>(ours) !=
                std::bit_cast<std::uint32_t>(theirs.in_place(i)) ||
            ours != theirs.from_matrix(i)) {
            std::fprintf(stderr, "margins differ\n");
            std::exit(1);
        }
    }
    constexpr const char *contributions =
        R"({"type":2,"training":false,"iteration_begin":0,"iteration_end":0,"strict_shape":false})";
    for (int pass = 1; pass <= 5; ++pass) {
        auto print = [&](const char *engine, double time) {
            std::printf("%s\t%s\t%d\t%.1f\n", engine, trees.c_str(), pass, time);
        };
        double sum = 0;
        print("core", nanoseconds(3 * count, [&](std::size_t i) {
                  sum += model.score(data.doubles[i % count], memory).margin;
              }));
        print("libxgboost", nanoseconds(count, [&](std::size_t i) {
                  sum += static_cast<double>(theirs.in_place(i));
              }));
        print("core_shap", nanoseconds(20, [&](std::size_t i) {
                  sum += fraud::explain(model, data.doubles[i], memory).base;
              }));
        print("libxgboost_shap", nanoseconds(20, [&](std::size_t i) {
                  sum += static_cast<double>(theirs.from_matrix(i, contributions));
              }));
        if (sum == 0.5)
            std::puts(""); // the sums are used
    }
}

} // namespace

int main(int argc, char **argv) {
    xgboost api = load_library();
    for (int i = 2; i < argc; ++i)
        measure(api, argv[1], argv[i]);
}
