// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cmath>
#include <future>
#include <iostream>
#include <nlohmann/json.hpp>

#include "analysis/arguments.hpp"
#include "analysis/judge/backtest.hpp"
#include "analysis/providers/judge.hpp"
#include "base/text.hpp"
#include "base/time.hpp"
#include "controller/cli/judge_files.hpp"
#include "controller/cli/judge_verbs.hpp"
#include "platform/http/multi_loop.hpp"

namespace sluice::cli {
namespace backtest_verb_detail {
namespace {

constexpr double most_buckets = 10'000;      // Prometheus answers 11,000 columns, with the lead
constexpr size_t largest_answer = 1U << 30;  // a week of a busy service's histograms

Result<double> seconds_of(const char* option, const std::string& text) {
    if (const auto number = parse_number(text); number && std::isfinite(*number)) return *number;
    const auto when = parse_rfc3339(text);
    if (!when.ok())
        return invalid(concat(option,
                              ": expected a time such as 2026-11-20T10:00:00Z or seconds "
                              "since the epoch, found \"",
                              text, "\""));
    return static_cast<double>(when->time_since_epoch().count()) / 1000;
}

Result<judge::Past> past_of(const BacktestOptions& options) {
    const judge::Past past{TRY(seconds_of("--start", options.start)),
                           TRY(seconds_of("--end", options.end))};
    if (!(past.start < past.end)) return invalid("--end must be after --start");
    return past;
}

Result<std::string> matchers_of(const char* option, const std::string& text) {
    std::string_view inner = trim(text);
    if (inner.starts_with('{') && inner.ends_with('}')) {
        inner.remove_prefix(1);
        inner.remove_suffix(1);
    }
    inner = trim(inner);
    if (inner.find('=') == std::string_view::npos && inner.find('~') == std::string_view::npos)
        return invalid(concat(option, ": expected label matchers such as version=\"v2\", found \"",
                              text, "\""));
    return std::string(inner);
}

// The template's arguments that have a value, those of --arg first.
Result<std::vector<crds::Argument>> arguments_of(const BacktestOptions& options,
                                                 const crds::AnalysisTemplate& analysis) {
    std::vector<crds::Argument> args;
    for (const auto& text : options.args) {
        const auto sign = text.find('=');
        if (sign == std::string::npos || sign == 0)
            return invalid(concat("--arg: expected NAME=VALUE, found \"", text, "\""));
        std::string value = text.substr(sign + 1);
        if (value.starts_with('@')) value = std::string(trim(TRY(read_file(value.substr(1)))));
        args.push_back({.name = text.substr(0, sign), .value = std::move(value)});
    }
    const auto given = [&](const std::string& name) {
        return std::any_of(args.begin(), args.end(),
                           [&](const auto& arg) { return arg.name == name; });
    };
    for (const auto& declared : analysis.args)
        if (declared.value && !given(declared.name)) args.push_back(declared);
    return args;
}

// The block of sluice/judge within a metric's document; null where another provider measures it.
Json* block_in(Json& metric) {
    const auto provider = metric.find("provider");
    if (provider == metric.end() || !provider->is_object()) return nullptr;
    const auto plugin = provider->find("plugin");
    if (plugin == provider->end() || !plugin->is_object()) return nullptr;
    const auto block = plugin->find("sluice/judge");
    return block == plugin->end() || !block->is_object() ? nullptr : &*block;
}

struct Asked {
    BacktestOptions options;  // selectors without braces
    judge::Past past;
    std::vector<judge::JudgedMetric> metrics;
};

// The metric as its plugin reads it, but for the arms and the server, which the options name.
std::optional<judge::JudgedMetric> metric_of(const Asked& asked, const JudgeFile& file,
                                             const std::vector<crds::Argument>& args,
                                             const crds::MetricDocument& document, size_t index) {
    auto metric = parse_json(document.text);
    Json* block = metric.ok() ? block_in(*metric) : nullptr;
    if (!block) {
        complain(
            concat("metric ", document.name, " is not judged by sluice/judge, so it is left out"));
        return std::nullopt;
    }
    (*block)["armLabel"] = "sluice_arm";
    (*block)["baseline"] = "baseline";
    (*block)["canary"] = "canary";
    (*block)["prometheus"]["address"] = asked.options.prometheus;
    const auto resolved = analysis::resolve_metric({document.name, to_text(*metric)}, args, {});
    if (!resolved.ok()) {
        complain(concat(file.path, ": metric ", document.name, ": ", resolved.error().message,
                        " (--arg NAME=VALUE gives an argument its value)"));
        return std::nullopt;
    }
    const auto config = parse_json(resolved->providers.front().config);
    std::vector<Problem> problems;
    const Field root(*config, problems,
                     concat("spec.metrics[", index, "].provider.plugin.sluice/judge"));
    auto judged = judge::decode_judged_metric(root);
    report_unknown(root);
    if (!file.holds(problems)) return std::nullopt;
    judged.settings.name = resolved->name;
    judged.source.baseline_matchers = asked.options.baseline_selector;
    judged.source.canary_matchers = asked.options.canary_selector;
    return judged;
}

// False after complaining.
bool read_template(Asked& asked) {
    const auto file = read_judge_file(asked.options.template_file);
    if (!file) return false;
    const std::string kind = text_at(file->document, {"kind"});
    if (kind != "AnalysisTemplate" && kind != "ClusterAnalysisTemplate")
        return complain(
                   concat(file->path, ": expected an AnalysisTemplate, found kind \"", kind, "\"")),
               false;
    std::vector<Problem> problems;
    const Field root(file->document, problems);
    const auto analysis = crds::decode_analysis_template(root);
    report_unknown(root);
    if (!file->holds(problems)) return false;
    const auto args = arguments_of(asked.options, analysis);
    if (!args.ok()) return complain(args.error().message), false;
    const size_t sharing = analysis::sharing_false_alarm(analysis.metrics);
    size_t judged = 0;
    for (size_t i = 0; i < analysis.metrics.size(); ++i) {
        auto document = parse_json(analysis.metrics[i].text);
        if (document.ok() && block_in(*document)) ++judged;
        const auto shared = analysis::with_false_alarm_share(analysis.metrics[i], sharing);
        if (auto metric = metric_of(asked, *file, *args, shared, i))
            asked.metrics.push_back(std::move(*metric));
    }
    if (judged == 0)
        return complain(concat(file->path, ": no metric of sluice/judge in it")), false;
    return asked.metrics.size() == judged;
}

Result<judge::RecordedMetric> fetch(http::MultiLoop& loop, const judge::JudgedMetric& metric,
                                    const judge::Past& past) {
    const auto range = judge::range_of(metric.source, past);
    if ((range.end - range.start) / range.step > most_buckets + judge::lead_buckets)
        return invalid(concat("metric ", metric.settings.name, ": more than ",
                              static_cast<long>(most_buckets),
                              " buckets lie between --start and --end"));
    auto query = TRY(analysis::build_judge_question(metric, {}, range));
    std::promise<Result<HttpResponse>> promise;
    loop.submit({std::move(query.request), query.insecure},
                [&](Result<HttpResponse> answer) { promise.set_value(std::move(answer)); });
    const auto response = TRY(promise.get_future().get());
    auto arms = TRY(analysis::read_judge_answer(metric, response, range)
                        .while_doing(concat("metric ", metric.settings.name)));
    for (const auto& [name, selector, buckets] :
         {std::tuple("canary", &metric.source.canary_matchers, &arms.canary),
          std::tuple("baseline", &metric.source.baseline_matchers, &arms.baseline)})
        if (buckets->empty())
            complain(concat("metric ", metric.settings.name, ": no samples of the ", name, " {",
                            *selector, "} in that time"));
    return judge::RecordedMetric{metric, std::move(arms)};
}

Result<Asked> asked_of(const BacktestOptions& options) {
    Asked asked{options, TRY(past_of(options)), {}};
    asked.options.canary_selector = TRY(matchers_of("--canary-selector", options.canary_selector));
    asked.options.baseline_selector =
        TRY(matchers_of("--baseline-selector", options.baseline_selector));
    return asked;
}

}  // namespace
}  // namespace backtest_verb_detail

int run_backtest(const BacktestOptions& options) {
    using namespace backtest_verb_detail;
    auto asked = asked_of(options);
    if (!asked.ok()) return complain(asked.error().message);
    if (!read_template(*asked)) return BadInput;
    http::MultiLoop loop({.largest_body = largest_answer});
    std::vector<judge::RecordedMetric> recorded;
    for (const auto& metric : asked->metrics) {
        auto one = fetch(loop, metric, asked->past);
        if (!one.ok()) return complain(one.error().message);
        recorded.push_back(std::move(*one));
    }
    judge::Verdict decided = judge::Verdict::Inconclusive;
    for (const double t : judge::look_times(recorded, asked->past)) {
        const auto look = judge::look_back(recorded, asked->past, t);
        std::cout << judge::to_json_text(look) << "\n";
        if (decided == judge::Verdict::Inconclusive) decided = look.verdict;
    }
    std::cout.flush();
    return exit_of(decided);
}

void add_backtest_verb(CLI::App& app, BacktestOptions& backtest, int& exit_code) {
    auto* verb = app.add_subcommand(
        "backtest", "What the judge would have said of a past deploy, from Prometheus");
    verb->add_option("--template", backtest.template_file,
                     "AnalysisTemplate with metrics of sluice/judge")
        ->required();
    verb->add_option("--prometheus", backtest.prometheus, "URL of the Prometheus to ask")
        ->required();
    verb->add_option("--start", backtest.start,
                     "When the canary began: 2026-11-20T10:00:00Z, or seconds since the epoch")
        ->required();
    verb->add_option("--end", backtest.end, "The last look")->required();
    verb->add_option("--canary-selector", backtest.canary_selector,
                     "Label matchers of the canary's series: version=\"v2\"")
        ->required();
    verb->add_option("--baseline-selector", backtest.baseline_selector,
                     "Label matchers of the baseline's series: version=\"v1\"")
        ->required();
    verb->add_option("--arg", backtest.args,
                     "NAME=VALUE of an argument of the template; NAME=@FILE reads it");
    verb->footer(
        "Prints one JSON object a look, t in seconds since the epoch. Exits 0 where the first\n"
        "answer is pass, 1 where it is fail, 2 where there is none, 64 where it cannot be asked.");
    verb->callback([&backtest, &exit_code] { exit_code = run_backtest(backtest); });
}

}  // namespace sluice::cli
