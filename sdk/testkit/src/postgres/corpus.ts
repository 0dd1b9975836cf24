/** Statements whose answers a real PostgreSQL gives. Any statement over the tables of `data.ts` may be added. */
export const corpus: readonly string[] = `
select 1 + 1, 7 / 2, -7 / 2, 7 % 3, -7 % 3, 2 * 3 - 4
select id / 2, s / 2, b / 7 from t order by id
select 5 / id from t order by id
select 1 / (id - 1) from t
select n / 0 from t
select x / 0 from t
select s + s, s * id, b + id, s - b from t where id < 8 order by id
select 2147483647 + 1
select 9223372036854775807 + 1
select s + s from t where id = 8
select 1.0 / 3, 10.0 / 3, 2 / 3.0, 100000 / 3.0, 1000000.0 / 7, 0.0001 / 3, 12345678.9 / 0.07
select n / 3, n / 7.5, m / n from t where n <> 0 order by id
select n * m, n + m, n - m, n % 3, - n from t order by id
select n * 1.5, n * 2, 1 - n, n * (1 - m) * (1 + m) from t order by id
select id, n / m from t where m <> 0 order by id
select avg(id), avg(s), avg(b), avg(n), avg(m), avg(x), avg(r) from t
select c, avg(n), avg(b) from t group by c order by c
select sum(id), sum(s), sum(b), sum(n), sum(m), sum(x), sum(r) from t
select count(*), count(n), count(distinct s), min(d), max(d), min(c), max(c), min(n), max(ts) from t
select count(*), sum(id), avg(id), min(c), max(n), bool_and(ok) from t where false
select count(*) from t where false group by id
select stddev(id), variance(id), stddev_pop(id), var_pop(id), stddev_samp(n), var_samp(n) from t
select stddev(m), variance(m), stddev_pop(m), var_pop(m) from t
select stddev(x), variance(x), stddev_pop(x), var_pop(x) from t where x < 1000
select stddev(v), stddev_pop(v) from (values (0::bigint), (10000000000), (5)) q(v)
select stddev(v), stddev_pop(v) from (values (1000000000000000000::bigint), (-100000000000000000)) q(v)
select stddev(v), stddev_pop(v) from (values (9::numeric(20,3)), (9999999999.123), (100000000007), (-88888888888.5)) q(v)
select stddev(v), stddev_pop(v) from (values (0::numeric(18,6)), (10000000000), (5.25)) q(v)
select stddev(v), variance(v) from (select v from (values (1::numeric(18,4)), (100000000), (50000000.1234)) q(v), t a, t b, t c, t d, t e) q
select sum(v), avg(v) from (select 12345678901234567.12345678::numeric(38,8) as v from t a, t b, t c, t d, t e, t f, t g) q
select s, stddev(id), var_pop(id), variance(b), stddev(n) from t where b < 100 or b is null group by s order by s
select sqrt(2.0), sqrt(n), sqrt(m) from t where n >= 0 and m >= 0 order by id
select sqrt(4), sqrt(2::double precision), power(2, 10), power(2.5::double precision, 2), 2 ^ 3, exp(1), ln(2::double precision), cbrt(27)
select abs(-5), abs(-2.5), abs(x), sign(-3.5), sign(x), ceil(2.1), floor(-2.1), ceil(x), floor(x) from t order by id
select round(2.5), round(3.5), round(-2.5), round(2.5::double precision), round(3.5::double precision), round(0.5::double precision)
select round(n, 1), round(m, 3), round(n, -1), trunc(m, 2), trunc(m), round(m) from t order by id
select round(1234.567, 2), round(1234.567, -2), trunc(1234.567, 1), trunc(-1.9), round(5), trunc(7.7::double precision)
select mod(7, 3), mod(-7, 3), mod(7.5, 2), div(7, 2), div(-7.5, 2)
select 2.5::int, 3.5::int, -2.5::int, 2.5::double precision::int, 3.5::double precision::int, (-2.5)::double precision::int
select n::int, m::int, x::bigint, r::int, n::double precision, m::real from t where b < 100 order by id
select 1.005::numeric(10,2), 2.345::numeric(5,1), 7::numeric(10,3), '12.3456'::numeric(6,2), 12::numeric
select 0.1::double precision::numeric, 123456.789::double precision::numeric(10,1), 1.1::real::numeric, 1e-7::double precision::numeric
select 99999.9::numeric(5,1)
select v::text, (-v)::text, (-v)::real::text from (values ('NaN'::double precision), (0), (-0.0), ('Infinity'), (1.5)) q(v)
select 300000::smallint
select 1::text, 2.50::text, n::text, true::text, d::text, ts::text, b::text from t order by id
select x::text, r::text from t where x < 1000 order by id
select '12'::int, ' 7 '::int, '1.5'::numeric, 'true'::boolean, 'f'::boolean, '2020-01-02'::date
select 1::boolean, 0::boolean, true::int, false::int
select cast(c as varchar(2)) is not null from t order by 1
select 1 = 1.0, 1 < 1.5, 2 > 1.5::real, s = 2, b = 20, n = 1.5, n > x, r < x from t order by id
select null = null, null is null, 1 is distinct from null, null is not distinct from null, id is distinct from s from t order by id
select ok, not ok, ok and null, ok or null, ok is true, ok is not true, ok is false, ok is unknown from t order by id
select id between 2 and 4, id not between 2 and 4, id between symmetric 4 and 2, s between 1 and 2 from t order by id
select id in (1, 2, 3), id in (1, null), id not in (1, 2), id not in (1, null), c in ('abc', 'zoë') from t order by id
select c like 'a%', c like '_bc', c ilike 'A%', c not like '%b%', c like 'x\\%y', c like 'x!%y' escape '!' from t order by id
select 'a\\b' like 'a\\\\b', 'a_c' like 'a\\_c', 'abc' like 'a\\_c', 'abc' like '', '' like '', null like 'a'
select case when id < 3 then 'low' when id < 6 then 'mid' else 'high' end from t order by id
select case s when 1 then 1 when 2 then 2.5 end, case when ok then id end from t order by id
select coalesce(s, 0), coalesce(n, 0), coalesce(c, 'none'), coalesce(null, id, b), nullif(s, 2), nullif(c, 'abc') from t order by id
select greatest(1, 2.5, null), least(id, s), greatest(c, 'b'), least(d, '2020-01-15') from t order by id
select lower(c), upper(c), length(c), reverse(c), octet_length(c) from t order by id
select substring(c, 2), substring(c from 2 for 1), substr(c, 0, 2), substring(c, -1, 3), substring(c, 2, 100) from t order by id
select substring('hello', 2, -1)
select left(c, 2), right(c, 2), left(c, -1), right(c, -1), left('abc', 0), right('abc', 5) from t order by id
select trim(c), ltrim(c), rtrim(c), trim(both 'a' from c), trim(leading 'a' from c), btrim('xxabcxx', 'x') from t order by id
select replace(c, 'b', 'ZZ'), strpos(c, 'b'), position('c' in c), split_part('a,b,c', ',', 2), split_part('a,b,c', ',', 9) from t order by id
select lpad(c, 5), rpad(c, 5, '*'), lpad('abc', 2), repeat('ab', 3), translate('12345', '143', 'ax'), concat(c, 1, null, 'x'), concat_ws('-', c, null, 2) from t order by id
select c || 'x', id || c, c || n, 'a' || 'b', null || 'a' from t order by id
select starts_with('abc', 'ab'), ascii('a'), chr(65), md5('abc')
select c from t order by c
select c from t order by c desc
select c from t order by c nulls first
select c from t order by c desc nulls last
select id, s from t order by s desc, id
select d + 1, d - 1, 1 + d, d - date '2020-01-01', d + interval '1 month', d - interval '1 day' from t order by id
select date '2020-01-31' + interval '1 month', date '2020-03-31' - interval '1 month', timestamp '2020-02-29 10:00' + interval '1 year'
select ts + interval '1 day 02:03:04', ts - interval '1 month', ts - timestamp '2020-01-01', iv + interval '1 day', - iv from t order by id
select iv * 2, iv / 2, 1.5 * interval '1 day', interval '1 month' * 3 from t order by id
select interval '1 year 2 months 3 days', interval '1-2', interval '04:05:06.7', interval '3' day, interval '1.5 days', interval '90' minute
select iv = interval '24 hours', iv < interval '1 month', iv > interval '0' from t order by id
select extract(year from d), extract(month from d), extract(day from d), extract(quarter from d), extract(week from d), extract(isoyear from d), extract(dow from d), extract(isodow from d), extract(doy from d) from t order by id
select extract(hour from ts), extract(minute from ts), extract(second from ts), extract(milliseconds from ts), extract(microseconds from ts), extract(epoch from ts) from t order by id
select extract(epoch from d), extract(decade from d), extract(century from d), extract(epoch from tz) from t order by id
select extract(epoch from iv), extract(day from iv), extract(month from iv), extract(hour from iv), extract(second from iv) from t order by id
select date_part('year', d), date_part('second', ts), date_part('dow', tz) from t order by id
select date_trunc('year', ts), date_trunc('quarter', ts), date_trunc('month', ts), date_trunc('week', ts), date_trunc('day', ts), date_trunc('hour', ts), date_trunc('minute', ts), date_trunc('second', ts) from t order by id
select date_trunc('month', d), date_trunc('week', d), date_trunc('month', tz), date_trunc('decade', ts) from t order by id
select to_char(ts, 'YYYY-MM-DD HH24:MI:SS'), to_char(d, 'Mon DD, YYYY'), to_char(ts, 'Q IYYY-IW ID DDD'), to_char(d, 'FMMonth Day'), to_char(ts, 'HH12:MI AM') from t order by id
select ts::date, ts::time, d::timestamp, tz::date, tz::timestamp, d::timestamptz from t order by id
select ts > d, d = date '2020-01-01', d >= '2020-01-01', ts between '2020-01-01' and '2020-12-31', tz > timestamp '2020-01-01' from t order by id
select make_date(2020, 2, 29), date '2020-01-01' + time '10:00', time '10:00' + interval '1 hour', time '23:00' - time '01:30'
select tz at time zone 'UTC', ts at time zone 'UTC' from t order by id
select age(timestamp '2020-03-01', timestamp '2020-01-31'), age(timestamp '2021-01-01', timestamp '2020-12-31 12:00')
select c, count(*) from t group by c order by 2 desc, 1
select s from t group by s having sum(n) > 1 and avg(id) < 6 order by s
select extract(doy from d) / 30, count(*) from t group by 1 order by 1
select n / 3 as k, ok, count(*), grouping(n / 3), n / 3 + 1 from t group by rollup (n / 3, ok) having avg(id) > 1 order by avg(id), 1, 2
select sum(id) * 1.0 / count(*), sum(n) / count(*), sum(id) / count(*) from t where id < 0
select distinct round(avg(n), 1), id % 2 from t group by id % 2 having stddev(n) > 0 or count(*) < 9 order by 2
select n / 3, rank() over (order by avg(id)), (select max(w) from u where u.id > n / 3) from t group by n / 3 order by 2
select c as k, count(*) n from t group by k having count(*) > 1 order by k
select id % 2 as odd, sum(b) from t group by 1 order by 1
select id % 2 + 1, count(*) from t group by id % 2 order by 1
select upper(c), count(distinct s) from t group by upper(c) order by 1
select s, count(*) filter (where ok), sum(id) filter (where id > 2) from t group by s order by s
select sum(id) / count(*), sum(n) / count(n), sum(b) * 1.0 / sum(id) from t
select max(id) - min(id), sum(case when ok then 1 else 0 end), 100.0 * sum(case when ok then 1 else 0 end) / count(*) from t
select s, c, count(*), grouping(s), grouping(c), grouping(s, c) from t group by rollup (s, c) order by 4, 5, 1, 2
select s, ok, sum(id) from t group by cube (s, ok) order by 1, 2, 3
select s, ok, count(*) from t group by grouping sets ((s), (ok), ()) order by 1, 2, 3
select s, ok, count(*) from t group by s, rollup (ok) order by 1, 2, 3
select distinct s from t order by s
select distinct s, ok from t order by 1, 2
select distinct on (s) s, id from t order by s, id desc
select count(distinct n), sum(distinct s), avg(distinct s), count(distinct c) from t
select string_agg(c, ',' order by id), string_agg(distinct k, '/') from t join u on t.id = 1 and u.k = 'abc'
select bool_and(ok), bool_or(ok), every(id > 0), bit_and(id), bit_or(id) from t
select percentile_cont(0.5) within group (order by x), percentile_disc(0.5) within group (order by id), percentile_cont(0.25) within group (order by id desc), percentile_disc(0.3) within group (order by c) from t
select corr(x, id), covar_pop(x, id), covar_samp(x, id) from t where x < 100
select t.id, u.k from t join u on t.id = u.id order by 1, 2
select t.id, u.k from t left join u on t.id = u.id order by 1, 2
select t.id, u.k from t right join u on t.id = u.id order by 1, 2
select t.id, u.k, u.id from t full join u on t.id = u.id order by 1, 2, 3
select id, c, k from t join u using (id) order by 1, 3
select id, c, k from t full join u using (id) order by 1, 2, 3
select * from u natural join (select id, c from t) q order by k
select count(*) from t, u
select count(*) from t cross join u where t.id = u.id
select a.id, b.id from t a join t b on a.s = b.s and a.id < b.id order by 1, 2
select a.id from t a left join u on u.id = a.id and u.w > 5 where u.id is null order by 1
select u.*, t.c from u left join t on t.d = u.d order by k, u.id, c
select id from t where exists (select 1 from u where u.id = t.id) order by 1
select id from t where not exists (select from u where u.id = t.id) order by 1
select id from t where id in (select id from u) order by 1
select id from t where id not in (select id from u where id is not null) order by 1
select id from t where id not in (select id from u) order by 1
select id, (select max(v) from u where u.id = t.id), (select count(*) from u) from t order by 1
select id from t where n > (select avg(v) from u) order by 1
select id from t where id > all (select id from u where id < 5) order by 1
select id from t where id = any (select id from u) or s <> all (select 2) order by 1
select (select id from t where id < 3)
select q.a, q.b from (select id as a, n * 2 as b from t where n > 0) q order by a
select avg(total) from (select s, sum(id) as total from t group by s) q
with q as (select s, count(*) as n from t group by s) select * from q where n > 1 order by s
with q (a, b) as (select id, c from t), r as (select a from q where b = 'abc') select count(*), sum(a) from r
with q as (select id from t) select a.id, b.id from q a join q b on a.id = b.id + 1 order by 1
select id from t union select id from u order by 1
select id from t union all select id from u order by 1
select id from t except select id from u order by 1
select id from t intersect select id from u order by 1
select s from t intersect all select s from t where id < 6 order by 1
select s from t except all select 1 order by 1
select id, c from t where id < 3 union all select w, k from u where w < 7 order by 1, 2
select id from t union select v from u order by 1
select n from t union all select v from u order by 1
select 1 as a, 'x' as b union all select 2.5, null order by a
values (1, 'a'), (2, null), (null, 'c')
values (1, 2.5), (2, 3) order by 1 desc limit 1
select * from (values (1, 'one'), (2, 'two')) as v (n, name) order by n
select id from t order by id limit 3
select id from t order by id limit 3 offset 2
select id from t order by id offset 6
select id from t order by id fetch first 2 rows only
select id as x, x as id from t order by x limit 3
select -id as id from t order by id
select id from t order by -id
select id, row_number() over (order by id desc), rank() over (order by s), dense_rank() over (order by s) from t order by id
select id, sum(id) over (order by id), avg(id) over (partition by s), count(*) over () from t order by id
select id, lag(id) over (order by id), lead(c, 2) over (order by id), lag(id, 1, 0) over (order by id) from t order by id
select id, first_value(c) over w, last_value(c) over w, nth_value(c, 2) over w from t window w as (order by id) order by id
select id, sum(n) over (order by id rows between 1 preceding and 1 following), max(id) over (order by id rows between unbounded preceding and unbounded following) from t order by id
select id, sum(id) over (order by id range between 2 preceding and current row), count(*) over (order by s groups between 1 preceding and current row) from t order by id
select id, ntile(3) over (order by id), percent_rank() over (order by id), cume_dist() over (order by s) from t order by id
select id, sum(id) filter (where ok) over (order by id), sum(id) over (order by id rows between 2 preceding and current row exclude current row) from t order by id
select s, sum(id), rank() over (order by sum(id) desc), sum(sum(id)) over () from t group by s order by s
select s, sum(n) / sum(sum(n)) over () as share from t group by s order by s
select d, count(*) over (partition by date_trunc('year', ts)), id from t order by id
select date_trunc('month', ts) as month, count(*), sum(n) from t group by 1 order by 1
select extract(year from ts) as y, avg(n) from t group by y order by y
select case when n > 1 then 'big' else 'small' end as size, count(*) from t group by 1 order by 1
select t.*, 1 as one from t where id = 1
select count(*) from t where ok
select count(*) from t where (s, id) = (1, 1)
select id from t where (s, id) in ((1, 1), (2, 2)) order by id
select 'it''s', E'a\\tb', $$dollar$$, U&'d\\0061t'
select 1e3, 1.50, .5, 1e-3, 12345678901, 123456789012345678901, -5, - 5.5
select true, false, null, 'x', 1.0
select date '2020-01-01', timestamp '2020-01-01 00:00:00', interval '1 day', time '12:34:56'
select id from t where d >= date '2020-01-01' and d < date '2020-01-01' + interval '1 year' order by id
select sum(w) from u
select sum(w) + 1, sum(w) * 2, sum(w)::double precision from u
select w * 2 from u
select w::int from u
select min(ok::int), max(iv), min(tz), min(iv) from t
select sum(n) as total from t having sum(n) > 0
select 1 from t having count(*) > 100
select 1 where false
select count(*) where false
select max(id) from t where c = 'nobody'
select coalesce(sum(n), 0), coalesce(avg(n), 0) from t where false
select n, count(*) from t group by n order by n
select x, count(*) from t group by x order by x
select length('zoë'), upper('zoë'), reverse('zoë'), 'z' < 'é', 'Z' < 'a'
select avg(n) * 2, avg(n) + 1, avg(n) / 2, round(avg(n), 2), avg(n) > 1 from t
select avg(id) * avg(b), avg(m) * avg(m) from t where b < 100
select sum(m) * sum(n), sum(m) / sum(n) from t
select 10 / 3 * 3.0, 10 / 3.0 * 3, (1.0 / 3) * 3
select round(1.0 / 3, 3), (2.0 / 3)::numeric(10, 4), trunc(2.0 / 3, 2)
select n from t where n = 1.50 or n = 3.33::double precision order by n
select (id + s) * 2, n * 2 > 1, count(*) from t group by id + s, n order by 1, 2
select r = 2.5, r > 2.4, r * 2, r + x, r::double precision from t order by id
`
  .split('\n')
  .map((line) => line.trim())
  .filter((line) => line !== '');
