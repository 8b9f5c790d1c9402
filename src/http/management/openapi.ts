/** The frame of the OpenAPI document; paths and schemas are generated from the routes. */
import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';

export const openApi = (managementUrl: string): NonNullable<FastifyDynamicSwaggerOptions['openapi']> => ({
  openapi: '3.1.0',
  info: {
    title: 'Mintmark management API', version: '1',
    description: 'In the shape of Azure Resource Manager. Every api-version is accepted, paths match without case, every error is an ARM error body. Every reply bears x-ms-request-id.',
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  servers: [{ url: managementUrl }],
  components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
});
