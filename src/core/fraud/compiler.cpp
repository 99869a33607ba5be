// SPDX-License-Identifier: PostgreSQL
// From rules to the flat program.
#include "core/fraud/expression_graph.hpp"
#include "core/fraud/rule_error.hpp"
#include "core/fraud/rule_set.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <tuple>

namespace saas::core::fraud {

namespace {
constexpr sqlstate k_program_limit_exceeded{"54000"};
constexpr std::uint32_t k_no_register = 0xFFFFFFFFU;
constexpr unsigned k_max_chain = 100; // rules that lead to one another by rule_hit()
} // namespace

class rule_compiler {
public:
    explicit rule_compiler(on_broken broken) : on_broken_{broken} {}

    void add(const rule_source &source);
    [[nodiscard]] rule_set finish(std::string version);

private:
    enum class progress : std::uint8_t { parsed, linking, linked, broken };
    struct entry {
        rule_info info;
        std::unique_ptr<rule_ast> ast; // until it is linked
        progress state = progress::parsed;
        vertex_id condition = 0;
        bool asked_only = false;
    };

    void refuse(const rule_info &rule, bool asked_only, const rule_error &e);
    [[nodiscard]] std::optional<vertex_id> link(std::size_t rule, unsigned depth);
    void link_all();
    void list_inputs(entry &rule, std::uint32_t mark);
    [[nodiscard]] std::uint32_t emit(vertex_id id);
    void emit_vertex(const vertex &v, std::uint32_t dst);
    void emit_logic(const vertex &v, std::uint32_t dst);
    void emit_operation(const vertex &v, std::uint32_t dst);
    void emit_otherwise(const vertex &v, std::uint32_t dst);
    void emit_arguments(const vertex &v, std::uint32_t first);
    void emit_distance(const vertex &v, std::uint32_t dst);
    void place_shared();
    void emit_asked();
    void derive_domain();
    std::size_t put(opcode op, std::uint32_t dst, std::uint32_t a, std::uint32_t b);
    [[nodiscard]] std::uint32_t here() const noexcept {
        return static_cast<std::uint32_t>(out_.program_.size());
    }
    [[nodiscard]] std::uint32_t take_scratch(std::uint32_t count = 1) noexcept {
        scratch_ += count;
        scratch_high_ = std::max(scratch_high_, scratch_);
        return scratch_ - count;
    }

    on_broken on_broken_;
    expression_graph graph_;
    std::deque<entry> entries_; // by_name_ holds views of their ids and names
    boost::unordered_flat_map<std::string_view, std::size_t> by_name_; // and by id
    rule_set out_;
    std::vector<std::uint32_t> shared_; // register by vertex, or k_no_register
    std::vector<vertex_id> linked_;     // conditions, those asked about before those that ask
    std::vector<bool> computed_;        // by vertex: the program computes it whatever it jumps over
    std::vector<std::uint32_t> seen_;   // by vertex: the last rule that list_inputs met it for
    std::uint32_t scratch_ = 0;
    std::uint32_t scratch_high_ = 0;
};

void rule_compiler::refuse(const rule_info &rule, bool asked_only, const rule_error &e) {
    if (asked_only)
        return;
    if (on_broken_ == on_broken::refuse)
        throw error{e.state(), e.message(), "Rule " + rule.id + ".", e.hint()};
    out_.broken_.push_back({rule.id, rule.name, e.message()});
}

void rule_compiler::add(const rule_source &source) {
    rule_info info{std::string{source.id}, std::string{source.name}, {}, {}, {}, source.platform};
    try {
        auto ast = std::make_unique<rule_ast>(parse_rule(source.text));
        info.head = ast->head;
        entries_.push_back({std::move(info), std::move(ast)});
        entries_.back().asked_only = source.asked_only;
    } catch (const rule_error &e) {
        refuse(info, source.asked_only, e);
    }
}

// Puts the rule's condition into the graph, after those of the rules that it asks about by rule_hit().
// Nothing when it is broken.
std::optional<vertex_id> rule_compiler::link(std::size_t rule, unsigned depth) {
    entry &e = entries_[rule];
    if (e.state == progress::linked)
        return e.condition;
    if (e.state == progress::broken)
        return std::nullopt;
    if (e.state == progress::linking || depth > k_max_chain)
        throw rule_error{1,
                         depth > k_max_chain ? "rule_hit() leads through more than 100 rules"
                                             : "rule_hit() leads back to the rule " +
                                                   quoted(e.info.name.empty() ? e.info.id
                                                                              : e.info.name),
                         "A rule cannot depend on its own outcome."};
    e.state = progress::linking;
    try {
        e.condition = graph_.add(*e.ast, e.info.id,
                                 [&](std::string_view name) -> std::optional<vertex_id> {
                                     auto found = by_name_.find(name);
                                     return found == by_name_.end()
                                                ? std::nullopt
                                                : link(found->second, depth + 1);
                                 });
        e.state = progress::linked;
        linked_.push_back(e.condition);
        return e.condition;
    } catch (const rule_error &problem) {
        e.state = progress::broken;
        refuse(e.info, e.asked_only, problem);
        return std::nullopt;
    }
}

void rule_compiler::link_all() {
    for (std::size_t i = 0; i < entries_.size(); ++i)
        by_name_.insert_or_assign(entries_[i].info.id, i);
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        if (!entries_[i].info.name.empty())
            by_name_.insert_or_assign(entries_[i].info.name, i);
    }
    for (std::size_t i = 0; i < entries_.size(); ++i)
        (void)link(i, 0);
    for (entry &e : entries_)
        e.ast.reset();
    std::erase_if(entries_, [](const auto &e) { return e.asked_only || e.state == progress::broken; });
}

// Slots and terms that the rule can come to. `mark`: a number of the rule's own, not 0.
void rule_compiler::list_inputs(entry &rule, std::uint32_t mark) {
    std::vector<vertex_id> todo{rule.condition};
    while (!todo.empty()) {
        vertex_id id = todo.back();
        todo.pop_back();
        if (seen_[id] == mark)
            continue;
        seen_[id] = mark;
        const vertex &v = graph_.at(id);
        if (v.op == operation::attribute)
            rule.info.slots.push_back(v.payload);
        else if (v.op == operation::term)
            rule.info.terms.push_back(v.payload);
        for (vertex_id child : graph_.children_of(v))
            todo.push_back(child);
    }
    std::sort(rule.info.slots.begin(), rule.info.slots.end());
    std::sort(rule.info.terms.begin(), rule.info.terms.end());
}

std::size_t rule_compiler::put(opcode op, std::uint32_t dst, std::uint32_t a, std::uint32_t b) {
    out_.program_.push_back({op, dst, a, b});
    return out_.program_.size() - 1;
}

void rule_compiler::derive_domain() {
    std::size_t domain = graph_.find_slot("email_domain");
    if (domain == graph_.slots.size())
        return;
    std::size_t email = graph_.find_slot("email");
    if (email == graph_.slots.size())
        graph_.slots.push_back({attribute_type::text, {"email"}});
    out_.domain_slots_ = {domain, email};
}

// Every operation with several uses gets a register of its own, which keeps its value.
void rule_compiler::place_shared() {
    auto next = static_cast<std::uint32_t>(graph_.constants.size() + graph_.slots.size());
    shared_.assign(graph_.size(), k_no_register);
    for (vertex_id id = 0; id < graph_.size(); ++id) {
        const vertex &v = graph_.at(id);
        if ((v.uses > 1 && !graph_.is_leaf(v)) || v.op == operation::term) {
            shared_[id] = next++;
            ++out_.shared_count_;
        }
    }
    out_.term_places_.resize(graph_.terms.size());
    for (vertex_id id = 0; id < graph_.size(); ++id) {
        const vertex &v = graph_.at(id);
        if (v.op == operation::term) {
            out_.term_places_[v.payload] = {next, shared_[id]};
            next += v.count;
        }
    }
    scratch_ = next;
    scratch_high_ = next;
}

// Appends the code that computes the vertex and returns the register that will hold it.
std::uint32_t rule_compiler::emit(vertex_id id) {
    const vertex &v = graph_.at(id);
    if (v.op == operation::literal)
        return v.payload;
    if (v.op == operation::attribute)
        return static_cast<std::uint32_t>(graph_.constants.size()) + v.payload;
    bool shared = shared_[id] != k_no_register;
    if (computed_[id])
        return shared_[id];
    std::uint32_t dst = shared ? shared_[id] : take_scratch();
    std::uint32_t before = scratch_;
    std::size_t skip = shared ? put(opcode::skip_done, 0, dst, 0) : 0;
    emit_vertex(v, dst);
    if (shared)
        out_.program_[skip].b = here();
    scratch_ = before;
    return dst;
}

// Conditions that rule_hit() asks about come first, each once: written out wherever somebody asks, a chain of
// rules that ask twice would double the program with every rule. They are all needed in the end.
void rule_compiler::emit_asked() {
    std::vector<bool> asked(graph_.size(), false);
    for (vertex_id id = 0; id < graph_.size(); ++id) {
        if (graph_.at(id).op == operation::rule_hit)
            asked[graph_.children_of(graph_.at(id))[0]] = true;
    }
    for (vertex_id condition : linked_) {
        if (!asked[condition] || shared_[condition] == k_no_register || computed_[condition])
            continue;
        std::uint32_t before = scratch_;
        (void)emit(condition);
        scratch_ = before;
        computed_[condition] = true;
    }
}

void rule_compiler::emit_vertex(const vertex &v, std::uint32_t dst) {
    switch (v.op) {
    case operation::logical_and:
    case operation::logical_or:
        return emit_logic(v, dst);
    case operation::otherwise:
        return emit_otherwise(v, dst);
    case operation::distance_km:
        return emit_distance(v, dst);
    case operation::term:
        emit_arguments(v, out_.term_places_[v.payload].arguments);
        put(opcode::term, dst, v.payload, 0);
        return;
    case operation::now:
        put(opcode::now, dst, 0, 0);
        return;
    default:
        return emit_operation(v, dst);
    }
}

// Each operand into the register where the operation looks for it.
void rule_compiler::emit_arguments(const vertex &v, std::uint32_t first) {
    for (vertex_id child : graph_.children_of(v)) {
        std::uint32_t before = scratch_;
        std::uint32_t operand = emit(child);
        scratch_ = before;
        put(opcode::copy, first++, operand, 0);
    }
}

void rule_compiler::emit_distance(const vertex &v, std::uint32_t dst) {
    std::uint32_t first = take_scratch(v.count);
    emit_arguments(v, first);
    put(opcode::distance_km, dst, first, 0);
}

void rule_compiler::emit_otherwise(const vertex &v, std::uint32_t dst) {
    auto children = graph_.children_of(v);
    std::uint32_t before = scratch_;
    put(opcode::copy, dst, emit(children[0]), 0);
    std::size_t skip = put(opcode::skip_known, 0, dst, 0);
    put(opcode::copy, dst, emit(children[1]), 0);
    out_.program_[skip].b = here();
    scratch_ = before;
}

// Children in turn, the cheap before the dear, each leaving as soon as the answer is certain. The order makes no
// difference to the answer: a deciding operand hides failures on whichever side it stands.
void rule_compiler::emit_logic(const vertex &v, std::uint32_t dst) {
    bool conjunction = v.op == operation::logical_and;
    std::vector<std::size_t> exits;
    auto given = graph_.children_of(v);
    std::vector<vertex_id> children{given.begin(), given.end()};
    std::stable_sort(children.begin(), children.end(), [&](vertex_id a, vertex_id b) {
        return graph_.cost_of(a) < graph_.cost_of(b);
    });
    for (vertex_id child : children) {
        std::uint32_t before = scratch_;
        std::uint32_t operand = emit(child);
        scratch_ = before;
        opcode op = conjunction ? (exits.empty() ? opcode::and_first : opcode::and_next)
                                : (exits.empty() ? opcode::or_first : opcode::or_next);
        exits.push_back(put(op, dst, operand, 0));
    }
    for (std::size_t exit : exits)
        out_.program_[exit].b = here();
}

void rule_compiler::emit_operation(const vertex &v, std::uint32_t dst) {
    static constexpr auto k_opcodes = [] {
        std::array<opcode, 64> table{};
        auto at = [&](operation op) -> opcode & { return table[static_cast<std::size_t>(op)]; };
        at(operation::negate) = opcode::negate;
        at(operation::add) = opcode::add;
        at(operation::subtract) = opcode::subtract;
        at(operation::multiply) = opcode::multiply;
        at(operation::divide) = opcode::divide;
        at(operation::modulo) = opcode::modulo;
        at(operation::equal) = opcode::equal;
        at(operation::not_equal) = opcode::not_equal;
        at(operation::less) = opcode::less;
        at(operation::less_equal) = opcode::less_equal;
        at(operation::like) = opcode::like;
        at(operation::includes) = opcode::includes;
        at(operation::in_set) = opcode::in_set;
        at(operation::logical_not) = opcode::logical_not;
        at(operation::is_missing) = opcode::is_missing;
        at(operation::to_boolean) = opcode::to_boolean;
        at(operation::to_number) = opcode::to_number;
        at(operation::lower) = opcode::lower;
        at(operation::email_domain) = opcode::email_domain;
        at(operation::normalize_email) = opcode::normalize_email;
        at(operation::similarity) = opcode::similarity;
        at(operation::token_set) = opcode::token_set;
        at(operation::cidr_match) = opcode::cidr_match;
        at(operation::luhn) = opcode::luhn;
        at(operation::age) = opcode::age;
        at(operation::to_moment) = opcode::to_moment;
        at(operation::rule_hit) = opcode::is_hit;
        at(operation::before) = opcode::before;
        at(operation::sampled) = opcode::sampled;
        return table;
    }();
    auto children = graph_.children_of(v);
    std::uint32_t a = emit(children[0]);
    bool indexed = v.op == operation::in_set || v.op == operation::sampled;
    std::uint32_t b = indexed ? v.payload : children.size() > 1 ? emit(children[1]) : 0;
    put(k_opcodes[static_cast<std::size_t>(v.op)], dst, a, b);
}

rule_set rule_compiler::finish(std::string version) {
    out_.version_ = std::move(version);
    link_all();
    std::sort(entries_.begin(), entries_.end(), [](const entry &x, const entry &y) {
        const rule_info &a = x.info;
        const rule_info &b = y.info;
        return std::tuple{a.head.priority, a.head.action, a.id.size(), std::string_view{a.id}} <
               std::tuple{b.head.priority, b.head.action, b.id.size(), std::string_view{b.id}};
    });
    derive_domain();
    place_shared();
    seen_.assign(graph_.size(), 0);
    computed_.assign(graph_.size(), false);
    emit_asked();
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        list_inputs(entries_[i], static_cast<std::uint32_t>(i + 1));
        std::uint32_t before = scratch_;
        std::uint32_t condition = emit(entries_[i].condition);
        scratch_ = before;
        put(opcode::conclude, 0, condition, static_cast<std::uint32_t>(i));
        out_.rules_.push_back(std::move(entries_[i].info));
    }
    out_.register_count_ = scratch_high_;
    out_.constants_ = std::move(graph_.constants);
    out_.slots_ = std::move(graph_.slots);
    out_.sets_ = std::move(graph_.sets);
    out_.terms_ = std::move(graph_.terms);
    out_.samples_ = std::move(graph_.samples);
    out_.texts_ = std::move(graph_.texts);
    return std::move(out_);
}

rule_set compile(std::span<const rule_source> rules, on_broken broken, cancel_poll poll) {
    std::size_t length = 0;
    for (const rule_source &rule : rules)
        length += rule.text.size();
    if (rules.size() > k_max_rules || length > k_max_rule_set_length)
        throw error{k_program_limit_exceeded, "too many fraud rules",
                    "A set holds up to 10000 rules of 16 MiB together."};
    rule_compiler compiler{broken};
    for (const rule_source &rule : rules) {
        poll.step();
        compiler.add(rule);
    }
    return compiler.finish(version_of(rules));
}

} // namespace saas::core::fraud
