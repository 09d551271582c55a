#include "lab/report/page.h"

#include <fmt/format.h>

#include "lab/plots/markup.h"
#include "lab/report/style.h"

namespace ohmic::lab {
namespace {

constexpr std::size_t kLongValue = 10;    // letters; such a headline is set smaller
constexpr std::size_t kOpenRows = 40;     // a longer table starts closed
constexpr std::size_t kSortableRows = 3;  // from here on sorting says something

std::string table_html(const Table& table, const std::string& about) {
  std::string html =
      table.note.empty() ? "" : "<p class=\"note\">" + escaped(table.note) + "</p>\n";
  html += fmt::format(
      "<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"Table: {}\">\n"
      "<table{}>\n",
      escaped(about), table.rows.size() >= kSortableRows ? " class=\"sorts\"" : "");
  const auto kind = [&](std::size_t column) {
    return column < table.words ? " class=\"word\"" : "";
  };
  html += "<thead><tr>";
  for (std::size_t c = 0; c < table.columns.size(); ++c)
    html += fmt::format("<th scope=\"col\"{}>{}</th>", kind(c), escaped(table.columns[c]));
  html += "</tr></thead>\n<tbody>\n";
  for (const std::vector<std::string>& row : table.rows) {
    html += "<tr>";
    for (std::size_t c = 0; c < row.size(); ++c)
      html += fmt::format("<td{}>{}</td>", kind(c), escaped(row[c]));
    html += "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

std::string section_html(const Section& section) {
  std::string html = fmt::format(
      "<section id=\"{0}\" aria-labelledby=\"{0}-title\">\n<h2 "
      "id=\"{0}-title\">{1}</h2>\n",
      section.id, escaped(section.title));
  if (!section.note.empty()) html += "<p class=\"note\">" + escaped(section.note) + "</p>\n";
  html += section.folds ? "" : "<div class=\"figures\">\n";
  for (const Figure& figure : section.figures) {
    html += fmt::format("<figure id=\"figure-{}\">\n{}", figure.name, figure.svg);
    if (!figure.caption.empty())
      html += "<figcaption>" + escaped(figure.caption) + "</figcaption>\n";
    html += "</figure>\n";
  }
  for (const Table& table : section.tables) {
    const std::string title = table.title.empty() ? section.title : table.title;
    if (section.folds)
      html += fmt::format("<details{}>\n<summary>{}, {} rows</summary>\n{}</details>\n",
                          table.rows.size() <= kOpenRows ? " open" : "", escaped(title),
                          table.rows.size(), table_html(table, title));
    else
      html += "<div>\n" + (table.title.empty() ? "" : "<h3>" + escaped(table.title) + "</h3>\n") +
              table_html(table, title) + "</div>\n";
  }
  html += section.folds ? "" : "</div>\n";
  return html + "</section>\n";
}

/// Escaped words whose intervals stay on one line.
std::string unbroken(const std::string& words) {
  std::string html = escaped(words);
  for (std::size_t at = 0; (at = html.find(" .. ", at)) != html.npos;)
    html.replace(at, 4, "&nbsp;..&nbsp;");
  return html;
}

std::string headlines_html(const ReportData& report) {
  std::string html =
      "<section id=\"summary\" aria-labelledby=\"summary-title\">\n<h2 "
      "id=\"summary-title\">Summary</h2>\n<dl class=\"cards\">\n";
  for (const Headline& h : headlines_of(report))
    html += fmt::format(
        "<div><dt>{}</dt><dd class=\"value{}\">{}</dd><dd class=\"about\">{}</dd></div>\n",
        escaped(h.label), h.value.size() > kLongValue ? " long" : "", escaped(h.value),
        unbroken(h.note));
  return html + "</dl>\n</section>\n";
}

std::string end_html(const ReportData& report) {
  std::string html = fmt::format(
      "<section id=\"config\" aria-labelledby=\"config-title\">\n<h2 "
      "id=\"config-title\">Config</h2>\n<p class=\"note\">Every key that the command reads; "
      "<code>ohmic {}</code> on this text repeats the results.</p>\n<details>\n<summary>The "
      "config, resolved</summary>\n<pre tabindex=\"0\" "
      "aria-label=\"Config\"><code>{}</code></pre>\n</details>\n</section>\n",
      escaped(report.command), escaped(report.config));
  html +=
      "<section id=\"provenance\" aria-labelledby=\"provenance-title\">\n<h2 "
      "id=\"provenance-title\">Provenance</h2>\n<dl class=\"facts\">\n";
  for (const auto& [name, value] : report.provenance)
    html += fmt::format("<dt>{}</dt><dd>{}</dd>\n", escaped(name), escaped(value));
  return html + "</dl>\n</section>\n";
}

/// The folder of the results, which people name after what is in it.
std::string title_of(const ReportData& report) {
  const auto folder = std::filesystem::absolute(report.file).lexically_normal().parent_path();
  return folder.filename().empty() ? report.file.filename().string() : folder.filename().string();
}

}  // namespace

std::string report_page(const ReportData& report) {
  const std::vector<Section> sections = sections_of(report);
  std::string links = "<li><a href=\"#summary\">Summary</a></li>\n";
  for (const Section& s : sections)
    links += fmt::format("<li><a href=\"#{}\">{}</a></li>\n", s.id, escaped(s.title));
  links +=
      "<li><a href=\"#config\">Config</a></li>\n<li><a "
      "href=\"#provenance\">Provenance</a></li>\n";
  std::string command_line;
  for (const auto& [name, value] : report.provenance)
    if (name == "command line") command_line = "<p><code>" + escaped(value) + "</code></p>\n";
  std::string html = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta "
      "name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta "
      "http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n<link rel=\"icon\" "
      "href=\"data:,\">\n<title>{0}: ohmic {1}</title>\n<style>{2}</style>\n</head>\n<body>\n<a "
      "class=\"skip\" href=\"#main\">To the results</a>\n<header>\n<p class=\"kind\">Ohmic "
      "{1}</p>\n<h1>{0}</h1>\n{3}<p>Seed {4}</p>\n</header>\n<nav "
      "aria-label=\"Sections\"><ul>\n{5}</ul></nav>\n<main id=\"main\" tabindex=\"-1\">\n",
      escaped(title_of(report)), escaped(report.command), report_style(), command_line, report.seed,
      links);
  html += headlines_html(report);
  for (const Section& s : sections) html += section_html(s);
  html += end_html(report);
  return html + fmt::format(
                    "</main>\n<footer>Written by ohmic report from {}.</footer>\n<script>{}"
                    "</script>\n</body>\n</html>\n",
                    escaped(report.file.filename().string()), report_script());
}

}  // namespace ohmic::lab
