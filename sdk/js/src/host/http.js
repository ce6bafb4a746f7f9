export * from 'hub:connector/http@0.1.0';
