-- Package value's arithmetic where NUMERIC's own is another one.

-- a / b with so many digits behind the point, rounded half away from zero. NUMERIC's
-- division rounds to digits of its own choice; div() cuts exactly.
CREATE FUNCTION record_quotient(a NUMERIC, b NUMERIC, digits INTEGER) RETURNS NUMERIC
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
	SELECT CASE WHEN b <> 0 THEN
		sign(a) * sign(b) * div(2 * abs(a) * ('1e' || digits)::numeric + abs(b), 2 * abs(b)) * ('1e-' || digits)::numeric
	END
$$;

-- n, or null where it is not below the bound.
CREATE FUNCTION record_within(n NUMERIC, bound NUMERIC) RETURNS NUMERIC
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
	SELECT CASE WHEN n < bound AND n > -bound THEN n END
$$;

-- So many characters from a place on, counted from 0.
CREATE FUNCTION record_substring(s TEXT, place NUMERIC, count NUMERIC) RETURNS TEXT
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
	SELECT CASE WHEN place >= 0 AND count >= 0 THEN substr(s, least(place, 1e9)::integer + 1, least(count, 1e9)::integer) END
$$;
