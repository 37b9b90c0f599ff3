// Local readings and times at random, half of them near the usual changes of the
// offset, through constructor, getters, setters, text and parsing.
(() => {
  const out = [];
  let r = 1;
  const rnd = (n) => { r = (r * 1103515245 + 12345) & 0x7fffffff; return Math.floor((r / 0x80000000) * n); };
  const two = (n) => String(n).padStart(2, '0');
  const all = (d) => [+d, d.getFullYear(), d.getMonth(), d.getDate(), d.getDay(), d.getHours(), d.getMinutes(), d.getSeconds(), d.getMilliseconds(), d.getTimezoneOffset()].join(' ');
  for (let i = 0; i < 4000; i++) {
    const year = i % 10 === 0 ? rnd(6000) - 1000 : 1895 + rnd(215);
    const month = i % 2 ? [2, 3, 9, 10][rnd(4)] : rnd(12), day = i % 4 === 1 ? 1 + rnd(7) : i % 4 === 3 ? 25 + rnd(7) : 1 + rnd(31);
    const fields = [year, month, day, rnd(i % 2 ? 5 : 24), rnd(60), rnd(60), rnd(1000)];
    const d = new Date(...fields), name = fields.join() + ': ';
    out.push(name + all(d) + ' ' + d);
    d.setHours(d.getHours() + 1 + rnd(3)); out.push(name + 'setHours ' + +d);
    d.setMonth(rnd(14) - 1); out.push(name + 'setMonth ' + +d);
    d.setDate(rnd(60) - 20, 1); out.push(name + 'setDate ' + all(d));
    d.setFullYear(1900 + rnd(200), rnd(12)); out.push(name + 'setFullYear ' + +d);
    d.setMinutes(rnd(200), rnd(60)); d.setSeconds(rnd(100)); d.setMilliseconds(rnd(2000)); out.push(name + 'set ' + all(d));
    const e = new Date(+d + (rnd(2000) - 1000) * 3600000 * rnd(9000)); out.push('at ' + +e + ' ' + all(e) + ' ' + e.toTimeString());
    if (year > 0 && year < 9999) {
      const s = `${String(year).padStart(4, '0')}-${two(month + 1)}-${two(day)}T${two(fields[3])}:${two(fields[4])}`;
      out.push(s + ' ' + Date.parse(s) + ' ' + +new Date(s + 'Z') + ' ' + Date.parse(String(d)));
    }
  }
  return out;
})()
