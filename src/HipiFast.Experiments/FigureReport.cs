using System.Globalization;
using System.Net;
using System.Text;
using HipiFast.Storage;

namespace HipiFast.Experiments;

/// <summary>The report of a figure: one HTML file that needs no other.</summary>
/// <remarks>The bytes depend on the results alone.</remarks>
public static class FigureReport
{
    // The paper's (C.2).
    private const int PaperSeeds = 5;

    private const string Style =
        """
        body { font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, Helvetica, Arial, sans-serif;
          color: #1f2328; background: #ffffff;
          max-width: 860px; margin: 2rem auto; padding: 0 1rem; }
        h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
        blockquote { margin: 0; padding: .4rem 1rem; border-left: 4px solid #d0d7de; color: #59636e; }
        .verdict { display: inline-block; padding: .1rem .6rem; border-radius: 1rem;
          font-size: .9rem; font-weight: 600; }
        .BornOut { background: #d6f3e6; } .InPart, .Undecided, .NotRun { background: #eef1f4; }
        .NotBornOut { background: #fbe3d8; }
        table { border-collapse: collapse; font-size: .88rem; margin: 1rem 0; }
        th, td { border: 1px solid #d0d7de; padding: .3rem .6rem; text-align: left; }
        th { background: #f6f8fa; } svg { max-width: 100%; height: auto; }
        pre { font-size: .8rem; background: #f6f8fa; padding: .8rem; overflow: auto; }
        """;

    /// <summary>Writes a report, atomically.</summary>
    /// <param name="path">File to make or replace.</param>
    /// <param name="figure">The figure.</param>
    /// <param name="context">How it was run.</param>
    /// <param name="panels">Its panels' reports.</param>
    /// <param name="leftOut">Titles of its panels that the report does not have.</param>
    /// <exception cref="IOException">The path cannot be written.</exception>
    public static void Save(
        string path, Figure figure, ExperimentContext context, IReadOnlyList<PanelReport> panels,
        IReadOnlyList<string> leftOut) =>
        AtomicFile.WriteAllText(path, ToHtml(figure, context, panels, leftOut));

    /// <summary>A verdict in words.</summary>
    /// <param name="verdict">The verdict.</param>
    /// <returns>A few words.</returns>
    public static string Describe(Verdict verdict) => verdict switch
    {
        Verdict.BornOut => "bears the paper out",
        Verdict.InPart => "bears the paper out in part",
        Verdict.Undecided => "undecided",
        Verdict.NotBornOut => "does not bear the paper out",
        _ => "not run",
    };

    private static string ToHtml(
        Figure figure, ExperimentContext context, IReadOnlyList<PanelReport> panels, IReadOnlyList<string> leftOut)
    {
        StringBuilder html = new();
        html.Append(
            "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><meta name=\"viewport\" "
            + "content=\"width=device-width\">\n");
        html.Append(
            $"<title>{Text(figure.Title)}</title>\n<style>\n{Style}\n</style></head>\n<body>\n"
            + $"<h1>{Text(figure.Title)}</h1>\n");
        html.Append(
            "<p>The paper (Eysenbach, Geng, Levine, Salakhutdinov, <i>Rewriting History with Inverse RL</i>, 2020) "
            + "says:</p>\n");
        html.Append($"<blockquote>{Text(figure.Claim)}</blockquote>\n");
        html.Append($"<p>{Text(DescribeSetting(context))}</p>\n");
        if (leftOut.Count > 0)
        {
            html.Append($"<p>Not run here: {Text(string.Join("; ", leftOut))}.</p>\n");
        }

        html.Append("<table><tr><th>panel</th><th>this run</th></tr>\n");
        foreach (PanelReport panel in panels)
        {
            html.Append($"<tr><td>{Text(panel.Title)}</td><td>{Badge(panel.Verdict)}</td></tr>\n");
        }

        html.Append("</table>\n");
        foreach (PanelReport panel in panels)
        {
            AppendPanel(html, panel);
        }

        return html.Append("</body>\n</html>\n").ToString();
    }

    private static string DescribeSetting(ExperimentContext context)
    {
        string setting = context.Quick
            ? "a quick run, a first impression with fewer steps and evaluations than the full setting"
            : "the full setting";
        string seeds = $"{(context.Seeds.Count == 1 ? "seed" : "seeds")} {string.Join(", ", context.Seeds)}";
        return $"This is {setting}; "
            + $"{seeds}{(context.Seeds.Count == PaperSeeds ? string.Empty : $" (the paper has {PaperSeeds} seeds)")}.";
    }

    private static void AppendPanel(StringBuilder html, PanelReport panel)
    {
        html.Append($"<h2>{Text(panel.Title)}</h2>\n<p>{Badge(panel.Verdict)}</p>\n");
        foreach (string finding in panel.Findings)
        {
            html.Append($"<p>{Text(finding)}</p>\n");
        }

        foreach (string picture in panel.Pictures)
        {
            html.Append($"<div>{picture}</div>\n");
        }

        if (panel.Table is ReportTable table)
        {
            html.Append("<table>");
            AppendRow(html, "th", table.Header);
            foreach (IReadOnlyList<string> row in table.Rows)
            {
                AppendRow(html, "td", row);
            }

            html.Append("</table>\n");
        }

        foreach ((string name, string text) in panel.Configuration)
        {
            html.Append($"<details><summary>Configuration: {Text(name)}</summary><pre>{Text(text)}</pre></details>\n");
        }
    }

    private static void AppendRow(StringBuilder html, string element, IReadOnlyList<string> cells)
    {
        html.Append("<tr>");
        foreach (string cell in cells)
        {
            html.Append($"<{element}>{Text(cell)}</{element}>");
        }

        html.Append("</tr>\n");
    }

    private static string Badge(Verdict verdict) => $"<span class=\"verdict {verdict}\">{Describe(verdict)}</span>";

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}
