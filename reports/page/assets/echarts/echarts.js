import { getInstanceByDom, init, use, version } from 'echarts/core';
import { BarChart, LineChart, ScatterChart } from 'echarts/charts';
import { GridComponent, LegendScrollComponent, MarkLineComponent, TooltipComponent } from 'echarts/components';
import { SVGRenderer } from 'echarts/renderers';

use([BarChart, LineChart, ScatterChart, GridComponent, LegendScrollComponent, MarkLineComponent,
  TooltipComponent, SVGRenderer]);
window.echarts = { getInstanceByDom, init, version };
