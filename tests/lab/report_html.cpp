// The page for the browser: everything in one file, drawn here, without scripts.
#include <algorithm>
#include <cstdio>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/lab/report.hpp"
#include "tests/lab/xml.hpp"

namespace assent::lab {
namespace {

constexpr double kWidth = 1100;
constexpr double kLeft = 120;
constexpr double kRight = kWidth - 20;
constexpr double kLane = 46;
constexpr double kBar = 28;
constexpr double kTop = 34;
constexpr double kMark = 17;  // two marks nearer than this would cover each other

constexpr const char* kStyle = R"css(
:root { color-scheme: light dark; --paper:#fff; --ink:#1d2430; --dim:#68707d; --line:#c9ced6;
  --doubt:#b26a00; --down:#9aa1ab; --fault:#c2331f; --good:#1f7a3d; --wait:#7a4bb3; --talk:#2f6db5 }
@media (prefers-color-scheme: dark) { :root { --paper:#14181f; --ink:#e4e8ee; --dim:#98a1ae;
  --line:#3a424e; --doubt:#e0a040; --down:#5d6571; --fault:#ff7a66; --good:#5cc98a; --wait:#b99af0;
  --talk:#79b0f2 } }
body { background:var(--paper); color:var(--ink); font:15px/1.5 system-ui,sans-serif;
  max-width:1140px; margin:2em auto; padding:0 1em }
h1,h2 { font-weight:600 } h2 { margin-top:3em } .failed { color:var(--fault) }
svg { width:100%; height:auto; font-size:12px } svg text { fill:var(--ink) }
.name { font-weight:600 } .label { paint-order:stroke; stroke:var(--paper); stroke-width:4 }
.wide { overflow-x:auto } .wide svg { min-width:760px }
.lane { stroke:var(--line) } .tick { stroke:var(--line); stroke-dasharray:2 4 }
.dim { fill:var(--dim) } .doubt { fill:url(#hatch); stroke:var(--doubt) }
.down { fill:var(--down); opacity:.45 } .sync { fill:var(--good); opacity:.6 }
.blocked { fill:var(--wait) } .lead { stroke:var(--dim); fill:none }
.message { stroke:var(--talk); fill:none; marker-end:url(#head) } .head { fill:var(--talk) }
.step,.start,.answer { fill:var(--ink) } .fault,.death,.failure { fill:var(--fault) }
.check { fill:var(--good) } svg .number { fill:var(--paper); font-size:10px; text-anchor:middle }
ol { columns:2; column-gap:2em; font-size:14px } li { break-inside:avoid }
li span { color:var(--dim) } .key { color:var(--dim); font-size:14px }
)css";

constexpr const char* kDefinitions = R"xml(<defs>
<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse"
 patternTransform="rotate(45)"><path d="M0 0V6" stroke="var(--doubt)" stroke-width="2"/></pattern>
<marker id="head" viewBox="0 0 6 6" refX="6" refY="3" markerWidth="6" markerHeight="6"
 orient="auto"><path class="head" d="M0 0L6 3L0 6z"/></marker></defs>
)xml";

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

// "250 ms", "1.5 s"
std::string time_text(double ms) {
  char text[32];
  std::snprintf(text, sizeof text, ms < 1000 ? "%.0f ms" : "%.4g s", ms < 1000 ? ms : ms / 1000);
  return text;
}

class Drawing {
 public:
  explicit Drawing(const ScenarioRun& run)
      : marks_(run.timeline->marks()), spans_(run.timeline->spans()) {
    from_ = run.timeline->begin_ms();
    to_ = from_ + 1;
    for (const Mark& mark : marks_) to_ = std::max(to_, mark.at_ms);
    for (const Span& span : spans_) to_ = std::max(to_, span.to_ms);
    add_lane("client");
    add_lane("coordinator");
    for (const std::string& name : run.scenario.databases) {
      add_lane(name);
      add_lane(name + ".db");
    }
  }

  std::string svg() {
    draw_time();
    for (const auto& [lane, y] : lanes_) draw_lane(lane, y);
    for (const Span& span : spans_)
      if (span.kind != SpanKind::blocked) draw_span(span);
    for (const Mark& mark : marks_)
      if (mark.kind == MarkKind::message) draw_message(mark);
    draw_marks();
    draw_waits();
    std::ostringstream whole;
    whole << "<svg viewBox=\"0 0 " << kWidth << ' ' << number(bottom_)
          << "\" role=\"img\" aria-label=\"What happened, in time; the list below tells it\">"
          << kDefinitions << body_.str() << "</svg>\n";
    return whole.str();
  }

  std::string legend() const {
    std::ostringstream list;
    list << "<ol>\n";
    for (const Mark& mark : marks_)
      if (mark.kind != MarkKind::message)
        list << "<li class=\"" << (mark.kind == MarkKind::failure ? "failed" : "") << "\"><span>"
             << time_text(mark.at_ms - from_) << ", " << xml_text(mark.lane) << ":</span> "
             << xml_text(mark.text) << "</li>\n";
    list << "</ol>\n";
    return list.str();
  }

 private:
  void add_lane(const std::string& name) {
    lanes_.emplace_back(name, kTop + kLane * static_cast<double>(lanes_.size() + 1));
    bottom_ = lanes_.back().second + kLane;
  }

  double x(double ms) const {
    return kLeft + 10 + (ms - from_) / (to_ - from_) * (kRight - kLeft - 10);
  }

  // What was checked is seen by nobody in particular: above all lanes.
  double y(const std::string& lane) const {
    for (const auto& [name, at] : lanes_)
      if (name == lane) return at;
    return kTop;
  }

  std::string title(const std::string& text) const {
    return "<title>" + xml_text(text) + "</title>";
  }

  void draw_time() {
    double step = 100;
    while ((to_ - from_) / step > 12)
      step *= step == 100 || step == 1000 || step == 10000 ? 2.5 : 2;
    for (double at = 0; from_ + at <= to_; at += step) {
      const double here = x(from_ + at);
      body_ << "<path class=\"tick\" d=\"M" << number(here) << ' ' << kTop - 14 << "V"
            << number(bottom_ - kLane / 2) << "\"/>";
      if (here < kRight - 30)
        body_ << "<text class=\"dim\" x=\"" << number(here + 3) << "\" y=\"" << kTop - 16 << "\">"
              << time_text(at) << "</text>";
    }
  }

  void draw_lane(const std::string& lane, double at) {
    body_ << "<text class=\"name\" x=\"0\" y=\"" << at + 4 << "\">" << lane
          << "</text><path class=\"lane\" d=\"M" << kLeft << ' ' << at << "H" << kWidth << "\"/>";
  }

  void draw_span(const Span& span) {
    const double left = std::max(x(span.from_ms), kLeft);
    const double width = std::max(x(span.to_ms) - left, 1.0);
    const std::map<SpanKind, const char*> classes = {
        {SpanKind::in_doubt, "doubt"}, {SpanKind::down, "down"}, {SpanKind::sync, "sync"}};
    if (x(span.to_ms) < kLeft) return;
    body_ << "<rect class=\"" << classes.at(span.kind) << "\" x=\"" << number(left) << "\" y=\""
          << y(span.lane) - 9 << "\" width=\"" << number(width) << "\" height=\"18\">"
          << title(span.text + " " + to_string(span.kind) + ", " +
                   time_text(span.to_ms - span.from_ms))
          << "</rect>";
    if (span.kind == SpanKind::in_doubt)
      label(left, y(span.lane) - 12,
            span.text + " in doubt for " + time_text(span.to_ms - span.from_ms));
  }

  // Begins there, or ends at the right edge where there is no room.
  void label(double left, double at, const std::string& text) {
    const bool fits = left + 6.5 * static_cast<double>(text.size()) < kWidth;
    body_ << "<text class=\"label\" x=\"" << number(fits ? left : kWidth) << "\" y=\"" << number(at)
          << "\"" << (fits ? "" : " text-anchor=\"end\"") << ">" << xml_text(text) << "</text>";
  }

  // As the coordinator saw it: to a participant, or from one.
  void draw_message(const Mark& mark) {
    if (mark.lane == "coordinator") {
      body_ << "<circle class=\"head\" r=\"3\" cx=\"" << number(x(mark.at_ms)) << "\" cy=\""
            << y(mark.lane) << "\">" << title(mark.text) << "</circle>";
      return;
    }
    const bool out = mark.text.find("_sent") != std::string::npos ||
                     mark.text.find(" asked") != std::string::npos;
    const double here = y("coordinator");
    const double there = y(mark.lane);
    body_ << "<path class=\"message\" d=\"M" << number(x(mark.at_ms)) << ' ' << (out ? here : there)
          << "V" << (out ? there - 4 : here + 4) << "\">" << title(mark.text) << "</path>";
  }

  // In each lane from left to right, none over another; where that moves one, a line leads to where
  // it belongs.
  void draw_marks() {
    std::map<std::string, std::vector<std::pair<const Mark*, int>>> lanes;
    int count = 0;
    for (const Mark& mark : marks_)
      if (mark.kind != MarkKind::message) lanes[mark.lane].emplace_back(&mark, ++count);
    for (const auto& [lane, marks] : lanes) {
      std::vector<double> places;
      for (const auto& [mark, unused] : marks)
        places.push_back(places.empty() ? x(mark->at_ms)
                                        : std::max(x(mark->at_ms), places.back() + kMark));
      double most = kRight + 10;
      for (auto place = places.rbegin(); place != places.rend(); ++place, most -= kMark)
        *place = std::min(*place, most);
      for (std::size_t i = 0; i < marks.size(); ++i)
        draw_mark(*marks[i].first, marks[i].second, places[i]);
    }
  }

  void draw_mark(const Mark& mark, int count, double place) {
    const double at = y(mark.lane);
    body_ << "<path class=\"lead\" d=\"M" << number(x(mark.at_ms)) << ' ' << at + 14 << "V"
          << at + 10 << "L" << number(place) << ' ' << at << "\"/><g><circle class=\""
          << to_string(mark.kind) << "\" r=\"8\" cx=\"" << number(place) << "\" cy=\"" << at
          << "\"/><text class=\"number\" x=\"" << number(place) << "\" y=\"" << at + 3.5 << "\">"
          << count << "</text>" << title(mark.text) << "</g>";
  }

  void draw_waits() {
    for (const Span& span : spans_) {
      if (span.kind != SpanKind::blocked) continue;
      const double left = std::max(x(span.from_ms), kLeft);
      label(left, bottom_ - 3, span.text + ", " + time_text(span.to_ms - span.from_ms));
      body_ << "<rect class=\"blocked\" x=\"" << number(left) << "\" y=\"" << bottom_
            << "\" height=\"10\" width=\"" << number(std::max(x(span.to_ms) - left, 1.0)) << "\">"
            << title(span.text) << "</rect>";
      bottom_ += kBar;
    }
  }

  std::vector<Mark> marks_;
  std::vector<Span> spans_;
  std::vector<std::pair<std::string, double>> lanes_;
  double from_ = 0;
  double to_ = 0;
  double bottom_ = 0;
  std::ostringstream body_;
};

}  // namespace

std::string html_report(const std::vector<ScenarioRun>& runs) {
  std::ostringstream page;
  page << "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">"
          "<meta name=\"viewport\" content=\"width=device-width\">"
          "<title>assent-lab</title>\n<style>"
       << kStyle
       << "</style>\n<h1>What failures did</h1>\n<p class=\"key\">Hatched: prepared, in "
          "doubt. Grey: down. Green: a commit record being written and synced. Arrows: messages, "
          "as the "
          "coordinator saw them. Bars underneath: who waited for whom. Numbers: the list below "
          "each picture.</p>\n";
  for (const ScenarioRun& run : runs) {
    Drawing drawing(run);
    page << "<h2>" << xml_text(run.scenario.title) << "</h2>\n<ul>\n";
    for (const std::string& sentence : run.scenario.watch)
      page << "<li>" << xml_text(sentence) << "</li>\n";
    page << "</ul>\n<div class=\"wide\">" << drawing.svg() << "</div>\n" << drawing.legend();
    if (!run.ok())
      page << "<p class=\"failed\">" << xml_text(run.scenario.name) << ":" << run.failed_line
           << ": " << xml_text(run.failure) << "</p>\n";
  }
  page << "</html>\n";
  return page.str();
}

}  // namespace assent::lab
