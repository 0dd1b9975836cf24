import { describeScalingStrategy } from '@tessera/testkit/contracts';
import { forecastConfig } from './config.ts';
import { ForecastStrategy } from './forecast-strategy.ts';

describeScalingStrategy('forecast', {
  create: () => new ForecastStrategy(forecastConfig.parse({})),
});
