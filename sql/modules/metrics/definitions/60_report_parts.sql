-- Parts of the report: escaping, tables and charts. Every text goes through saas.html_escape().
CREATE OR REPLACE FUNCTION saas.html_escape(p_text text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT translate(
        replace(replace(replace(replace(replace(
            COALESCE(p_text, ''), '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;'), '''', '&#39;'),
        -- Control characters are no HTML.
        E'\x01\x02\x03\x04\x05\x06\x07\x08\x0b\x0c\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x7f',
        ''
    )
$$;
COMMENT ON FUNCTION saas.html_escape(text) IS
'The text as HTML shows it, inside elements and inside quoted attributes; without control characters. Empty for NULL.';
REVOKE ALL ON FUNCTION saas.html_escape(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.html_escape(text) TO saas_app, saas_analyst, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.report_money(p_amount numeric, p_currency text)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT COALESCE(
        to_char(
            p_amount / 10 ^ COALESCE(c.exponent, 0),
            'FM999,999,999,999,999,999,999,990' || CASE WHEN COALESCE(c.exponent, 0) > 0 THEN '.' || repeat('0', c.exponent) ELSE '' END
        ),
        '–'
    )
    FROM (SELECT (SELECT c.exponent::integer FROM saas.currencies AS c WHERE c.code = p_currency) AS exponent) AS c
$$;
COMMENT ON FUNCTION saas.report_money(numeric, text) IS 'An amount of minor units in major units for people to read, without the currency; a dash for NULL.';
REVOKE ALL ON FUNCTION saas.report_money(numeric, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.report_money(numeric, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.report_percent(p_share numeric)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT COALESCE(to_char(100 * p_share, 'FM999,999,999,999,999,999,990.0') || ' %', '–')
$$;
COMMENT ON FUNCTION saas.report_percent(numeric) IS 'A share as a percentage for people to read; a dash for NULL.';
REVOKE ALL ON FUNCTION saas.report_percent(numeric) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.report_percent(numeric) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.report_table(p_caption text, p_head text[], p_rows jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT '<div class="wide" tabindex="0" role="region" aria-label="' || saas.html_escape(p_caption) || '"><table><caption>'
        || saas.html_escape(p_caption) || '</caption><thead><tr>'
        || (
            SELECT string_agg('<th scope="col">' || saas.html_escape(h.name) || '</th>', '' ORDER BY h.n)
            FROM unnest(p_head) WITH ORDINALITY AS h (name, n)
        )
        || '</tr></thead><tbody>'
        || COALESCE((
            SELECT string_agg('<tr>' || r.cells || '</tr>', E'\n' ORDER BY r.n)
            FROM (
                SELECT
                    o.n,
                    string_agg(
                        CASE
                            WHEN c.n = 1 THEN '<th scope="row">' || saas.html_escape(c.value #>> '{}') || '</th>'
                            -- A share of 0 to 1 that shades its cell: {"text", "shade"}.
                            WHEN jsonb_typeof(c.value) = 'object' THEN
                                '<td style="background:rgba(0,114,178,'
                                || round(least(greatest((c.value ->> 'shade')::numeric, 0), 1) * 0.45, 3) || ')">'
                                || saas.html_escape(c.value ->> 'text') || '</td>'
                            ELSE '<td>' || saas.html_escape(c.value #>> '{}') || '</td>'
                        END, '' ORDER BY c.n
                    ) AS cells
                FROM jsonb_array_elements(p_rows) WITH ORDINALITY AS o (row, n)
                CROSS JOIN LATERAL jsonb_array_elements(o.row) WITH ORDINALITY AS c (value, n)
                GROUP BY o.n
            ) AS r
        ), '')
        || '</tbody></table></div>'
$$;
COMMENT ON FUNCTION saas.report_table(text, text[], jsonb) IS
'A table from an array of arrays of texts; the first cell of a row is its head.';
REVOKE ALL ON FUNCTION saas.report_table(text, text[], jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.report_table(text, text[], jsonb) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.chart_scale(p_low double precision, p_high double precision)
RETURNS double precision[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    -- About four round steps: 1, 2 or 5 times a power of ten.
    SELECT ARRAY[floor(p_low / s.step) * s.step, ceil(p_high / s.step) * s.step, s.step]
    FROM (
        SELECT p.power * CASE
            WHEN w.width / 4 <= p.power THEN 1
            WHEN w.width / 4 <= 2 * p.power THEN 2
            WHEN w.width / 4 <= 5 * p.power THEN 5
            ELSE 10
        END AS step
        FROM (SELECT CASE WHEN p_high > p_low THEN p_high - p_low ELSE 1 END AS width) AS w
        CROSS JOIN LATERAL (SELECT 10 ^ floor(log(w.width / 4)) AS power) AS p
    ) AS s
$$;
COMMENT ON FUNCTION saas.chart_scale(double precision, double precision) IS 'Low end, high end and step of an axis that holds both values.';
REVOKE ALL ON FUNCTION saas.chart_scale(double precision, double precision) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.chart_scale(double precision, double precision) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.report_chart(
    p_id text,
    p_title text,
    p_summary text,
    p_labels text[],
    p_series jsonb
)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_count integer := greatest(cardinality(p_labels), 1);
    v_slot numeric := 640.0 / greatest(cardinality(p_labels), 1);
    v_scale double precision[];
    v_grid text;
    v_marks text;
    v_legend text;
    v_labels text;
BEGIN
    WITH points AS (
        SELECT s.value ->> 'kind' AS kind, (v.value #>> '{}')::double precision AS value, v.n, s.n AS series
        FROM jsonb_array_elements(p_series) WITH ORDINALITY AS s (value, n)
        CROSS JOIN LATERAL jsonb_array_elements(s.value -> 'values') WITH ORDINALITY AS v (value, n)
    ), ends AS (
        SELECT sum(p.value) AS value FROM points AS p WHERE p.kind = 'bar' GROUP BY p.n, p.value > 0
        UNION ALL
        SELECT p.value FROM points AS p WHERE p.kind = 'line'
    )
    SELECT saas.chart_scale(COALESCE(least(min(e.value), 0), 0), COALESCE(greatest(max(e.value), 0), 0))
    INTO v_scale
    FROM ends AS e;
    SELECT string_agg(
        format(
            '<line class="grid" x1="72" x2="712" y1="%1$s" y2="%1$s"/><text class="tick" x="66" y="%2$s" text-anchor="end">%3$s</text>',
            round(y.y, 1), round(y.y + 4, 1), saas.html_escape(saas.plain_number(t.value))
        ), ''
    )
    INTO v_grid
    FROM (
        SELECT v_scale[1] + n * v_scale[3] AS value
        FROM generate_series(0, round((v_scale[2] - v_scale[1]) / v_scale[3])::integer) AS g (n)
    ) AS t
    CROSS JOIN LATERAL (SELECT saas.chart_y(t.value, v_scale) AS y) AS y;
    WITH points AS (
        SELECT
            s.n AS series,
            s.value ->> 'name' AS name,
            s.value ->> 'kind' AS kind,
            (v.value #>> '{}')::double precision AS value,
            v.n,
            COALESCE(sum((v.value #>> '{}')::double precision) OVER (
                PARTITION BY v.n, s.value ->> 'kind', (v.value #>> '{}')::double precision > 0
                ORDER BY s.n ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ), 0) AS base,
            count(*) FILTER (WHERE (v.value #>> '{}') IS NULL) OVER (PARTITION BY s.n ORDER BY v.n) AS stretch
        FROM jsonb_array_elements(p_series) WITH ORDINALITY AS s (value, n)
        CROSS JOIN LATERAL jsonb_array_elements(s.value -> 'values') WITH ORDINALITY AS v (value, n)
    ), bars AS (
        SELECT string_agg(
            format(
                '<rect class="s%s" x="%s" y="%s" width="%s" height="%s"><title>%s</title></rect>',
                p.series, round(72 + (p.n - 1) * v_slot + v_slot * 0.15, 1),
                round(least(saas.chart_y(p.base, v_scale), saas.chart_y(p.base + p.value, v_scale)), 1),
                round(v_slot * 0.7, 1),
                round(abs(saas.chart_y(p.base + p.value, v_scale) - saas.chart_y(p.base, v_scale)), 1),
                saas.html_escape(format('%s, %s: %s', p_labels[p.n], p.name, saas.plain_number(p.value)))
            ), '' ORDER BY p.series, p.n
        ) AS text
        FROM points AS p
        WHERE p.kind = 'bar' AND p.value <> 0
    ), lines AS (
        SELECT string_agg(l.text, '') AS text
        FROM (
            -- A line has no point where there is no value.
            SELECT
                format(
                    '<polyline class="line s%s" points="%s"/>', p.series,
                    string_agg(
                        format('%s,%s', round(72 + (p.n - 0.5) * v_slot, 1), round(saas.chart_y(p.value, v_scale), 1)),
                        ' ' ORDER BY p.n
                    )
                ) || string_agg(
                    format(
                        '<circle class="s%s" cx="%s" cy="%s" r="2.5"><title>%s</title></circle>', p.series,
                        round(72 + (p.n - 0.5) * v_slot, 1), round(saas.chart_y(p.value, v_scale), 1),
                        saas.html_escape(format('%s, %s: %s', p_labels[p.n], p.name, saas.plain_number(p.value)))
                    ), '' ORDER BY p.n
                ) AS text
            FROM points AS p
            WHERE p.kind = 'line' AND p.value IS NOT NULL
            GROUP BY p.series, p.stretch
        ) AS l
    )
    SELECT COALESCE(b.text, '') || COALESCE(l.text, '') INTO v_marks FROM bars AS b CROSS JOIN lines AS l;
    SELECT string_agg(
        format(
            '<text class="tick" x="%s" y="226" text-anchor="middle">%s</text>',
            round(72 + (l.n - 0.5) * v_slot, 1), saas.html_escape(l.name)
        ), '' ORDER BY l.n
    )
    INTO v_labels
    FROM unnest(p_labels) WITH ORDINALITY AS l (name, n)
    WHERE (l.n - 1) % greatest(ceil(v_count / 10.0)::integer, 1) = 0;
    SELECT string_agg(
        format('<li><span class="key s%s" aria-hidden="true"></span>%s</li>', s.n, saas.html_escape(s.value ->> 'name')), ''
        ORDER BY s.n
    )
    INTO v_legend
    FROM jsonb_array_elements(p_series) WITH ORDINALITY AS s (value, n);
    RETURN format(
        '<figure><svg viewBox="0 0 720 236" role="img" aria-labelledby="%1$s-title" aria-describedby="%1$s-desc"><title id="%1$s-title">%2$s</title>'
        '<desc id="%1$s-desc">%3$s</desc>%4$s%5$s%6$s<line class="axis" x1="72" x2="712" y1="%7$s" y2="%7$s"/></svg>'
        '<figcaption><strong>%2$s</strong><ul class="legend">%8$s</ul></figcaption></figure>',
        saas.html_escape(p_id), saas.html_escape(p_title), saas.html_escape(p_summary), v_grid, v_marks,
        COALESCE(v_labels, ''), round(saas.chart_y(0, v_scale), 1), COALESCE(v_legend, '')
    );
END
$$;
COMMENT ON FUNCTION saas.report_chart(text, text, text, text[], jsonb) IS
'A chart as SVG with a legend: p_series is an array of {"name", "kind", "values"} with one value or null for each label; bars are stacked, lines are not.';

CREATE OR REPLACE FUNCTION saas.chart_y(p_value double precision, p_scale double precision[])
RETURNS numeric
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT (204 - 190 * (p_value - p_scale[1]) / CASE WHEN p_scale[2] > p_scale[1] THEN p_scale[2] - p_scale[1] ELSE 1 END)::numeric
$$;
COMMENT ON FUNCTION saas.chart_y(double precision, double precision[]) IS 'Where a value is on the vertical axis of a chart.';
REVOKE ALL ON FUNCTION saas.chart_y(double precision, double precision[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.chart_y(double precision, double precision[]) TO saas_internal;
REVOKE ALL ON FUNCTION saas.report_chart(text, text, text, text[], jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.report_chart(text, text, text, text[], jsonb) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.report_style()
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT
        ':root{color-scheme:light dark;--paper:#ffffff;--ink:#1b1f24;--soft:#57606a;--rule:#d0d7de;--panel:#f6f8fa;'
        '--c1:#00795a;--c2:#2f86c8;--c3:#b87a00;--c4:#b0558a;--c5:#c44e00}'
        '@media (prefers-color-scheme:dark){:root{--paper:#14171a;--ink:#e8eaed;--soft:#a3adb8;--rule:#3a424b;'
        '--panel:#1d2227;--c1:#2bbd92;--c2:#6bb8f0;--c3:#f0b440;--c4:#e391c0;--c5:#ff8a4a}}'
        '*{box-sizing:border-box}body{margin:0 auto;padding:2rem 1rem;max-width:60rem;background:var(--paper);'
        'color:var(--ink);font:16px/1.5 system-ui,sans-serif}h1{margin:0;font-size:1.8rem;overflow-wrap:anywhere}h2{margin:2.5rem 0 .5rem;font-size:1.3rem}'
        'p{margin:.3rem 0}.soft{color:var(--soft)}dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.75rem;'
        'margin:1rem 0}dl div{padding:.75rem;border:1px solid var(--rule);border-radius:.5rem;background:var(--panel)}'
        'dt{color:var(--soft);font-size:.85rem}dd{margin:0;font-size:1.25rem;font-variant-numeric:tabular-nums}'
        'figure{display:flex;flex-direction:column;margin:1.5rem 0}figcaption{order:-1}svg{display:block;width:100%;height:auto}.grid{stroke:var(--rule)}.axis{stroke:var(--soft)}'
        '.tick{fill:var(--soft);font:11px system-ui,sans-serif}.s1{fill:var(--c1);stroke:var(--c1);background:var(--c1)}'
        '.s2{fill:var(--c2);stroke:var(--c2);background:var(--c2)}.s3{fill:var(--c3);stroke:var(--c3);background:var(--c3)}'
        '.s4{fill:var(--c4);stroke:var(--c4);background:var(--c4)}.s5{fill:var(--c5);stroke:var(--c5);background:var(--c5)}'
        '.line{fill:none;background:none;stroke-width:2}rect{stroke:none}'
        '.legend{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;margin:.25rem 0;padding:0;list-style:none;font-size:.9rem}'
        '.key{display:inline-block;width:.8em;height:.8em;margin-right:.4em;border-radius:.15em}'
        '.wide{overflow-x:auto}.wide+.wide{margin-top:1.5rem}table{width:100%;border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums}'
        'caption{padding:.25rem 0;text-align:left;color:var(--soft)}th,td{padding:.3rem .5rem;border-bottom:1px solid var(--rule);'
        'text-align:right;white-space:nowrap}th:first-child{min-width:4.5rem;text-align:left;white-space:normal;overflow-wrap:anywhere}td.words{white-space:normal;text-align:left}'
        '.notes li{margin:.4rem 0;overflow-wrap:anywhere}strong{unicode-bidi:isolate}'
        '@media print{:root{--paper:#ffffff;--ink:#000000;--soft:#444444;--rule:#bbbbbb;--panel:#ffffff;--c1:#00795a;--c2:#2f86c8;'
        '--c3:#b87a00;--c4:#b0558a;--c5:#c44e00}html{font-size:10px}body{max-width:none;padding:0;font-size:11px}th,td{padding:.2rem .3rem}figure,dl div,tr{break-inside:avoid}'
        'h2{break-after:avoid}.wide{overflow:visible}*{print-color-adjust:exact}@page{margin:15mm}}'
$$;
COMMENT ON FUNCTION saas.report_style() IS 'The style sheet of the report: light, dark and printed.';
REVOKE ALL ON FUNCTION saas.report_style() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.report_style() TO saas_internal;
