// csv: delimited text to objects or arrays and back.
(function (realm, shared) {
  'use strict';
  const { pure } = realm, { parse, stringify } = JSON, { call, options, kind } = shared;

  // columnsOf lists the members of all rows that are objects, in the order of
  // their first appearance.
  function columnsOf(rows) {
    const names = new Set();
    for (const row of rows) {
      if (row !== null && typeof row === 'object' && !Array.isArray(row)) for (const name of Object.keys(row)) names.add(name);
    }
    return [...names];
  }

  return {
    csv: {
      parse(text, given) {
        const o = options('csv.parse', given, ['delimiter', 'quote', 'header', 'columns', 'trim', 'ragged']);
        if (typeof text !== 'string') throw new TypeError('csv.parse: a text is expected, not ' + kind(text) + '; encoding.decode makes text of bytes');
        return parse(call('CsvError', 'csv.parse', () => pure.csvParse(text, stringify(o))));
      },
      stringify(rows, given) {
        const o = options('csv.stringify', given, ['delimiter', 'quote', 'header', 'columns', 'quoteAll', 'newline', 'bom', 'neutraliseFormulas']);
        if (!Array.isArray(rows)) throw new TypeError('csv.stringify: a list of rows is expected, not ' + kind(rows));
        const json = stringify(rows), columns = stringify(o.columns ?? columnsOf(rows));
        return call('CsvError', 'csv.stringify', () => pure.csvStringify(json, columns, stringify(o)));
      },
    },
  };
})
