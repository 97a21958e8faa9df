import 'reflect-metadata';
import { runService } from '@redstart/service-kit';
import { apiGateway } from './module.js';

await runService(apiGateway);
