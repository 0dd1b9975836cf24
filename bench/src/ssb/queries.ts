import type { Random } from '@tessera/base';
import { nations, regions } from './words.ts';

/**
 * The 13 queries of the Star Schema Benchmark (Revision 3). Each is a template; `draw` takes its constants from
 * the domain that the paper's filter factors assume, `standard` gives the constants printed in the paper.
 */
export interface SsbQuery {
  readonly name: string;
  readonly standard: Constants;
  draw(random: Random): Constants;
  sql(constants: Constants): string;
}
export type Constants = Readonly<Record<string, string | number>>;

const text = (value: string | number) => `'${value}'`;
const monthNames = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');
const city = (nation: string, digit: number) => `${nation.slice(0, 9).padEnd(9)}${digit}`;
const drawNation = (random: Random) => random.pick(nations);
const drawCategory = (random: Random) => `MFGR#${random.integer(1, 5)}${random.integer(1, 5)}`;
const drawRegion = (random: Random) => random.pick(regions);
const drawCities = (random: Random) => {
  const nation = drawNation(random)[0];
  const first = random.integer(0, 9);
  return { first: city(nation, first), second: city(nation, (first + 4) % 10) };
};
const drawYears = (random: Random) => {
  const year = random.integer(1992, 1997);
  return { year, nextYear: year + 1 };
};
const drawMakers = (random: Random) => {
  const first = random.integer(1, 5);
  return { maker1: `MFGR#${first}`, maker2: `MFGR#${(first % 5) + 1}` };
};
const drawDiscounts = (random: Random) => {
  const lowDiscount = random.integer(1, 8);
  return { lowDiscount, highDiscount: lowDiscount + 2 };
};

const discounted = (where: string) =>
  `select sum(lo_extendedprice*lo_discount) as revenue from lineorder, dates where lo_orderdate = d_datekey and ${where}`;
const byBrand = (where: string) =>
  `select sum(lo_revenue) as revenue, d_year, p_brand1 from lineorder, dates, part, supplier where lo_orderdate = d_datekey and lo_partkey = p_partkey and lo_suppkey = s_suppkey and ${where} group by d_year, p_brand1 order by d_year, p_brand1`;
const byPlaces = (level: 'nation' | 'city', where: string) =>
  `select c_${level}, s_${level}, d_year, sum(lo_revenue) as revenue from customer, lineorder, supplier, dates where lo_custkey = c_custkey and lo_suppkey = s_suppkey and lo_orderdate = d_datekey and ${where} group by c_${level}, s_${level}, d_year order by d_year asc, revenue desc`;
const profit = (columns: string, where: string) =>
  `select ${columns}, sum(lo_revenue - lo_supplycost) as profit from dates, customer, supplier, part, lineorder where lo_custkey = c_custkey and lo_suppkey = s_suppkey and lo_partkey = p_partkey and lo_orderdate = d_datekey and ${where} group by ${columns} order by ${columns}`;

export const ssbQueries: readonly SsbQuery[] = [
  {
    name: 'Q1.1',
    standard: { year: 1993, lowDiscount: 1, highDiscount: 3, quantity: 25 },
    draw: (random) => ({
      year: random.integer(1992, 1998),
      ...drawDiscounts(random),
      quantity: random.integer(24, 26),
    }),
    sql: (c) =>
      discounted(
        `d_year = ${c['year']} and lo_discount between ${c['lowDiscount']} and ${c['highDiscount']} and lo_quantity < ${c['quantity']}`,
      ),
  },
  {
    name: 'Q1.2',
    standard: { month: 199401, lowDiscount: 4, highDiscount: 6, lowQuantity: 26 },
    draw: (random) => ({
      month: random.integer(1992, 1997) * 100 + random.integer(1, 12),
      ...drawDiscounts(random),
      lowQuantity: random.integer(1, 41),
    }),
    sql: (c) =>
      discounted(
        `d_yearmonthnum = ${c['month']} and lo_discount between ${c['lowDiscount']} and ${c['highDiscount']} and lo_quantity between ${c['lowQuantity']} and ${Number(c['lowQuantity']) + 9}`,
      ),
  },
  {
    name: 'Q1.3',
    standard: { week: 6, year: 1994, lowDiscount: 5, highDiscount: 7, lowQuantity: 26 },
    draw: (random) => ({
      week: random.integer(1, 52),
      year: random.integer(1992, 1997),
      ...drawDiscounts(random),
      lowQuantity: random.integer(1, 41),
    }),
    sql: (c) =>
      discounted(
        `d_weeknuminyear = ${c['week']} and d_year = ${c['year']} and lo_discount between ${c['lowDiscount']} and ${c['highDiscount']} and lo_quantity between ${c['lowQuantity']} and ${Number(c['lowQuantity']) + 9}`,
      ),
  },
  {
    name: 'Q2.1',
    standard: { category: 'MFGR#12', region: 'AMERICA' },
    draw: (random) => ({ category: drawCategory(random), region: drawRegion(random) }),
    sql: (c) =>
      byBrand(`p_category = ${text(c['category']!)} and s_region = ${text(c['region']!)}`),
  },
  {
    name: 'Q2.2',
    standard: { category: 'MFGR#22', brand: 21, region: 'ASIA' },
    draw: (random) => ({
      category: drawCategory(random),
      brand: random.integer(10, 32),
      region: drawRegion(random),
    }),
    sql: (c) =>
      byBrand(
        `p_brand1 between '${c['category']}${c['brand']}' and '${c['category']}${Number(c['brand']) + 7}' and s_region = ${text(c['region']!)}`,
      ),
  },
  {
    name: 'Q2.3',
    standard: { brand: 'MFGR#2221', region: 'EUROPE' },
    draw: (random) => ({
      brand: `${drawCategory(random)}${random.integer(1, 40)}`,
      region: drawRegion(random),
    }),
    sql: (c) => byBrand(`p_brand1 = ${text(c['brand']!)} and s_region = ${text(c['region']!)}`),
  },
  {
    name: 'Q3.1',
    standard: { region: 'ASIA' },
    draw: (random) => ({ region: drawRegion(random) }),
    sql: (c) =>
      byPlaces(
        'nation',
        `c_region = ${text(c['region']!)} and s_region = ${text(c['region']!)} and d_year >= 1992 and d_year <= 1997`,
      ),
  },
  {
    name: 'Q3.2',
    standard: { nation: 'UNITED STATES' },
    draw: (random) => ({ nation: drawNation(random)[0] }),
    sql: (c) =>
      byPlaces(
        'city',
        `c_nation = ${text(c['nation']!)} and s_nation = ${text(c['nation']!)} and d_year >= 1992 and d_year <= 1997`,
      ),
  },
  {
    name: 'Q3.3',
    standard: { first: 'UNITED KI1', second: 'UNITED KI5' },
    draw: drawCities,
    sql: (c) => byPlaces('city', `${cities(c)} and d_year >= 1992 and d_year <= 1997`),
  },
  {
    name: 'Q3.4',
    standard: { first: 'UNITED KI1', second: 'UNITED KI5', month: 'Dec1997' },
    draw: (random) => ({
      ...drawCities(random),
      month: `${random.pick(monthNames)}${random.integer(1992, 1997)}`,
    }),
    sql: (c) => byPlaces('city', `${cities(c)} and d_yearmonth = ${text(c['month']!)}`),
  },
  {
    name: 'Q4.1',
    standard: { region: 'AMERICA', maker1: 'MFGR#1', maker2: 'MFGR#2' },
    draw: (random) => ({ region: drawRegion(random), ...drawMakers(random) }),
    sql: (c) =>
      profit(
        'd_year, c_nation',
        `c_region = ${text(c['region']!)} and s_region = ${text(c['region']!)} and (p_mfgr = ${text(c['maker1']!)} or p_mfgr = ${text(c['maker2']!)})`,
      ),
  },
  {
    name: 'Q4.2',
    standard: {
      region: 'AMERICA',
      year: 1997,
      nextYear: 1998,
      maker1: 'MFGR#1',
      maker2: 'MFGR#2',
    },
    draw: (random) => ({
      region: drawRegion(random),
      ...drawYears(random),
      ...drawMakers(random),
    }),
    sql: (c) =>
      profit(
        'd_year, s_nation, p_category',
        `c_region = ${text(c['region']!)} and s_region = ${text(c['region']!)} and ${years(c)} and (p_mfgr = ${text(c['maker1']!)} or p_mfgr = ${text(c['maker2']!)})`,
      ),
  },
  {
    name: 'Q4.3',
    standard: {
      region: 'AMERICA',
      nation: 'UNITED STATES',
      year: 1997,
      nextYear: 1998,
      category: 'MFGR#14',
    },
    draw: (random) => {
      const [nation, region] = drawNation(random);
      return {
        nation,
        region: regions[region]!,
        ...drawYears(random),
        category: drawCategory(random),
      };
    },
    sql: (c) =>
      profit(
        'd_year, s_city, p_brand1',
        `c_region = ${text(c['region']!)} and s_nation = ${text(c['nation']!)} and ${years(c)} and p_category = ${text(c['category']!)}`,
      ),
  },
];

function cities(c: Constants): string {
  return `(c_city='${c['first']}' or c_city='${c['second']}') and (s_city='${c['first']}' or s_city='${c['second']}')`;
}

function years(c: Constants): string {
  return `(d_year = ${c['year']} or d_year = ${c['nextYear']})`;
}
