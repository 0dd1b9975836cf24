/** The word lists of the benchmark (O'Neil et al., Revision 3; the same as TPC-H where it takes them over). */
export const regions = ['AFRICA', 'AMERICA', 'ASIA', 'EUROPE', 'MIDDLE EAST'];

/** Name and index of the region. */
export const nations: readonly (readonly [string, number])[] = [
  ['ALGERIA', 0],
  ['ARGENTINA', 1],
  ['BRAZIL', 1],
  ['CANADA', 1],
  ['EGYPT', 4],
  ['ETHIOPIA', 0],
  ['FRANCE', 3],
  ['GERMANY', 3],
  ['INDIA', 2],
  ['INDONESIA', 2],
  ['IRAN', 4],
  ['IRAQ', 4],
  ['JAPAN', 2],
  ['JORDAN', 4],
  ['KENYA', 0],
  ['MOROCCO', 0],
  ['MOZAMBIQUE', 0],
  ['PERU', 1],
  ['CHINA', 2],
  ['ROMANIA', 3],
  ['SAUDI ARABIA', 4],
  ['VIETNAM', 2],
  ['RUSSIA', 3],
  ['UNITED KINGDOM', 3],
  ['UNITED STATES', 1],
];

export const marketSegments = ['AUTOMOBILE', 'BUILDING', 'FURNITURE', 'HOUSEHOLD', 'MACHINERY'];
export const priorities = ['1-URGENT', '2-HIGH', '3-MEDIUM', '4-NOT SPECI', '5-LOW'];
export const shipModes = ['REG AIR', 'AIR', 'RAIL', 'SHIP', 'TRUCK', 'MAIL', 'FOB'];

const combine = (...lists: readonly (readonly string[])[]): string[] =>
  lists.reduce<string[]>(
    (heads, tails) =>
      heads.flatMap((head) => tails.map((tail) => (head === '' ? tail : `${head} ${tail}`))),
    [''],
  );

export const partTypes = combine(
  ['STANDARD', 'SMALL', 'MEDIUM', 'LARGE', 'ECONOMY', 'PROMO'],
  ['ANODIZED', 'BURNISHED', 'PLATED', 'POLISHED', 'BRUSHED'],
  ['TIN', 'NICKEL', 'BRASS', 'STEEL', 'COPPER'],
);
export const containers = combine(
  ['SM', 'LG', 'MED', 'JUMBO', 'WRAP'],
  ['CASE', 'BOX', 'BAG', 'JAR', 'PKG', 'PACK', 'CAN', 'DRUM'],
);
export const colours =
  `almond antique aquamarine azure beige bisque black blanched blue blush brown burlywood burnished
  chartreuse chiffon chocolate coral cornflower cornsilk cream cyan dark deep dim dodger drab firebrick
  floral forest frosted gainsboro ghost goldenrod green grey honeydew hot indian ivory khaki lace lavender
  lawn lemon light lime linen magenta maroon medium metallic midnight mint misty moccasin navajo navy olive
  orange orchid pale papaya peach peru pink plum powder puff purple red rose rosy royal saddle salmon sandy
  seashell sienna sky slate smoke snow spring steel tan thistle tomato turquoise violet wheat white yellow`.split(
    /\s+/,
  );

/** The 2,557 days from 1992-01-01 to 1998-12-31. */
export function dateRowsSql(): string {
  const holidays = [1224, 101, 220, 420, 520, 720, 820, 920, 1020, 1120];
  return `
    select (year(d) * 10000 + month(d) * 100 + day(d))::integer as d_datekey,
      monthname(d) || ' ' || day(d) || ', ' || year(d) as d_date,
      dayname(d) as d_dayofweek,
      monthname(d) as d_month,
      year(d)::integer as d_year,
      (year(d) * 100 + month(d))::integer as d_yearmonthnum,
      monthname(d)[1:3] || year(d) as d_yearmonth,
      (dayofweek(d) + 1)::integer as d_daynuminweek,
      day(d)::integer as d_daynuminmonth,
      dayofyear(d)::integer as d_daynuminyear,
      month(d)::integer as d_monthnuminyear,
      ((dayofyear(d) - 1) // 7 + 1)::integer as d_weeknuminyear,
      case when month(d) in (11, 12) then 'Christmas' when month(d) in (1, 2) then 'Winter'
        when month(d) in (3, 4, 5) then 'Spring' when month(d) in (6, 7, 8) then 'Summer' else 'Fall'
      end as d_sellingseason,
      (dayofweek(d) = 6)::integer as d_lastdayinweekfl,
      (last_day(d) = d)::integer as d_lastdayinmonthfl,
      (month(d) * 100 + day(d) in (${holidays.join(', ')}))::integer as d_holidayfl,
      (dayofweek(d) between 1 and 5)::integer as d_weekdayfl
    from (select d::date as d from range(date '1992-01-01', date '1999-01-01', interval 1 day) as days(d))
    order by d`;
}
