/** Eight questions that an analyst would ask of the flights. */
export interface Question {
  readonly title: string;
  readonly sql: string;
}

export const questions: readonly Question[] = [
  {
    title: 'How punctual was each month?',
    sql: `select date_trunc('month', date) as month, count(*) as flights, round(avg(delay), 1) as avg_delay,
  round(100.0 * count(*) filter (where delay > 15) / count(*), 1) as late_percent
from flights group by 1 order by 1`,
  },
  {
    title: 'Which ten airports send off the most flights?',
    sql: `select f.origin, o.city, count(*) as flights
from flights f join airports o on f.origin = o.iata
group by f.origin, o.city order by flights desc, f.origin limit 10`,
  },
  {
    title: 'In which states do flights leave latest (at least 20,000 flights)?',
    sql: `select o.state, count(*) as flights, round(avg(f.delay), 2) as avg_delay, max(f.delay) as worst
from flights f join airports o on f.origin = o.iata
group by o.state having count(*) >= 20000 order by avg(f.delay) desc, o.state limit 10`,
  },
  {
    title: 'Which weekday is the worst? (0 is Sunday)',
    sql: `select extract(dow from date) as weekday, count(*) as flights, round(avg(delay), 2) as avg_delay
from flights group by 1 order by avg_delay desc`,
  },
  {
    title: 'How does the delay grow over the day?',
    sql: `select extract(hour from date)::int as hour, count(*) as flights, round(avg(delay), 1) as avg_delay,
  round(stddev(delay), 1) as spread
from flights group by 1 order by 1`,
  },
  {
    title: 'Which ten routes are flown most, and how far are they?',
    sql: `select origin, destination, count(*) as flights, sum(distance) / count(*) as miles
from flights group by origin, destination order by flights desc, origin, destination limit 10`,
  },
  {
    title: 'How many airports can be reached from each state?',
    sql: `select o.state, count(distinct f.destination) as airports
from flights f join airports o on f.origin = o.iata
where f.date >= timestamp '2001-04-01' and f.date < timestamp '2001-07-01'
group by o.state order by airports desc, o.state limit 10`,
  },
  {
    title: 'Which three states led each month, with what share of all flights?',
    sql: `select month, state, flights, percent
from (
  select date_trunc('month', f.date) as month, o.state, count(*) as flights,
    round(100.0 * count(*) / sum(count(*)) over (partition by date_trunc('month', f.date)), 1) as percent,
    rank() over (partition by date_trunc('month', f.date) order by count(*) desc) as place
  from flights f join airports o on f.origin = o.iata group by 1, 2
) ranked where place <= 3 order by month, flights desc, state`,
  },
];
